// Where the appliance's log goes.
#pragma once

namespace sluice::control {

/// One line an event on standard error, with time and level. Workers never log.
void set_up_logging(bool verbose);

} // namespace sluice::control
