#include "rule_sets/parameters.hpp"

#include <iterator>

namespace sluice::rule_sets {
namespace {

using enum PortClass;

constexpr int kAny = ProtocolShare::kAny;
constexpr int kIcmp = 1;
constexpr int kTcp = 6;
constexpr int kUdp = 17;
constexpr int kGre = 47;
constexpr int kEsp = 50;

// acl: few clients' networks ask for many single servers, nearly all by TCP and one port.
constexpr LengthPair kAclOpen[] = {
    {32, 32, 0.489}, {32, 24, 0.112}, {23, 32, 0.099}, {32, 22, 0.081}, {23, 16, 0.054}, {31, 32, 0.027},
    {30, 32, 0.018}, {30, 22, 0.018}, {23, 31, 0.009}, {31, 22, 0.009}, {31, 24, 0.005}, {32, 31, 0.005},
    {0, 0, 0.005},   {0, 8, 0.005},   {8, 0, 0.005},   {0, 13, 0.005},  {23, 0, 0.005},  {23, 1, 0.005},
    {23, 2, 0.005},  {23, 3, 0.005},  {23, 4, 0.005},  {23, 5, 0.005},  {23, 6, 0.005},  {23, 7, 0.005},
    {23, 8, 0.005},  {23, 15, 0.005}, {23, 24, 0.005}, {23, 25, 0.005}, {23, 26, 0.005},
};
constexpr LengthPair kAclRange[] = {{32, 32, 0.953}, {31, 32, 0.035}, {23, 32, 0.012}};
constexpr LengthPair kAclExact[] = {
    {32, 32, 0.847}, {32, 22, 0.042}, {23, 32, 0.028}, {31, 32, 0.026}, {32, 31, 0.016},
    {30, 22, 0.014}, {32, 30, 0.012}, {31, 22, 0.007}, {23, 28, 0.005}, {23, 31, 0.003},
};
constexpr PortPair kAclPortless[] = {{wc, wc, 1, kAclOpen}};
constexpr PortPair kAclTcp[] = {{wc, em, 0.653, kAclExact}, {wc, wc, 0.216, kAclOpen}, {wc, ar, 0.131, kAclRange}};
constexpr PortPair kAclUdp[] = {{wc, em, 0.875, kAclExact}, {wc, ar, 0.125, kAclRange}};
constexpr ProtocolShare kAclProtocols[] = {
    {kTcp, 0.873, kAclTcp}, {kAny, 0.085, kAclPortless}, {kIcmp, 0.031, kAclPortless}, {kUdp, 0.011, kAclUdp}};
constexpr PortChoice kAclRanges[] = {
    {1600, 1649, 0.08},    {1300, 1349, 0.07},    {1300, 1350, 0.07},   {7500, 7599, 0.05},   {2200, 2210, 0.05},
    {1025, 65535, 0.035},  {1700, 1750, 0.035},   {5001, 65535, 0.035}, {8000, 8100, 0.035},  {32200, 32207, 0.035},
    {61700, 61709, 0.024}, {61100, 61119, 0.024}, {20000, 20010, 0.02}, {62200, 62239, 0.02}, {1300, 1399, 0.01},
};
constexpr PortChoice kAclPorts[] = {{1521, 1521, 0.19}, {1526, 1526, 0.05},   {1221, 1221, 0.04},  {1433, 1433, 0.035},
                                    {1525, 1525, 0.03}, {135, 135, 0.03},     {1704, 1704, 0.023}, {1708, 1708, 0.023},
                                    {5555, 5555, 0.02}, {6000, 6000, 0.02},   {20, 20, 0.02},      {21, 21, 0.02},
                                    {5540, 5540, 0.02}, {1489, 1489, 0.015},  {5632, 5632, 0.015}, {6789, 6789, 0.012},
                                    {443, 443, 0.005},  {27000, 27000, 0.005}};

// fw: from anywhere to a host, or from a host to anywhere.
constexpr LengthPair kFwAny[] = {
    {0, 32, 0.26},  {32, 0, 0.19},  {32, 32, 0.18}, {24, 32, 0.06}, {32, 24, 0.05}, {0, 24, 0.05},
    {24, 0, 0.04},  {16, 32, 0.03}, {0, 28, 0.03},  {28, 32, 0.02}, {8, 32, 0.02},  {32, 16, 0.02},
    {16, 16, 0.01}, {24, 24, 0.01}, {0, 16, 0.01},  {16, 0, 0.01},  {0, 0, 0.01},
};
constexpr PortPair kFwPortless[] = {{wc, wc, 1, kFwAny}};
constexpr PortPair kFwTcp[] = {{wc, em, 0.50, kFwAny}, {hi, em, 0.14, kFwAny}, {wc, wc, 0.10, kFwAny},
                               {em, wc, 0.08, kFwAny}, {wc, hi, 0.05, kFwAny}, {em, hi, 0.05, kFwAny},
                               {wc, ar, 0.04, kFwAny}, {ar, wc, 0.02, kFwAny}, {wc, lo, 0.01, kFwAny},
                               {em, em, 0.01, kFwAny}};
constexpr PortPair kFwUdp[] = {{wc, em, 0.45, kFwAny}, {em, wc, 0.15, kFwAny}, {em, em, 0.15, kFwAny},
                               {hi, em, 0.10, kFwAny}, {wc, ar, 0.05, kFwAny}, {em, hi, 0.05, kFwAny},
                               {wc, wc, 0.05, kFwAny}};
constexpr ProtocolShare kFwProtocols[] = {{kTcp, 0.60, kFwTcp},       {kUdp, 0.24, kFwUdp},
                                          {kIcmp, 0.08, kFwPortless}, {kAny, 0.04, kFwPortless},
                                          {kGre, 0.02, kFwPortless},  {kEsp, 0.02, kFwPortless}};
constexpr PortChoice kFwRanges[] = {
    {6000, 6063, 0.2},    {137, 139, 0.2},      {33434, 33523, 0.15}, {161, 162, 0.15},
    {20000, 21000, 0.10}, {16384, 32767, 0.10}, {5900, 5910, 0.05},   {49152, 65535, 0.05},
};
constexpr PortChoice kFwPorts[] = {{80, 80, 0.14},     {443, 443, 0.10},   {53, 53, 0.10},     {25, 25, 0.08},
                                   {22, 22, 0.07},     {123, 123, 0.06},   {21, 21, 0.05},     {20, 20, 0.05},
                                   {23, 23, 0.04},     {110, 110, 0.04},   {143, 143, 0.03},   {161, 161, 0.03},
                                   {389, 389, 0.03},   {500, 500, 0.03},   {514, 514, 0.03},   {1433, 1433, 0.02},
                                   {69, 69, 0.02},     {3389, 3389, 0.02}, {1494, 1494, 0.02}, {8080, 8080, 0.02},
                                   {5190, 5190, 0.01}, {9100, 9100, 0.01}};

// ipc: everything in between.
constexpr LengthPair kIpcOpen[] = {
    {32, 32, 0.26}, {24, 32, 0.08}, {32, 24, 0.07}, {0, 32, 0.06},  {32, 0, 0.06},  {24, 24, 0.05}, {16, 24, 0.04},
    {24, 16, 0.04}, {28, 32, 0.04}, {32, 28, 0.04}, {16, 32, 0.03}, {32, 16, 0.03}, {16, 16, 0.03}, {27, 32, 0.02},
    {30, 32, 0.02}, {31, 24, 0.02}, {22, 32, 0.02}, {26, 30, 0.02}, {20, 24, 0.01}, {24, 21, 0.01}, {0, 24, 0.01},
    {24, 0, 0.01},  {0, 16, 0.01},  {0, 0, 0.01},   {8, 24, 0.005}, {12, 20, 0.005}};
constexpr LengthPair kIpcPorts[] = {
    {32, 32, 0.37}, {0, 32, 0.12},  {24, 32, 0.12}, {32, 24, 0.08}, {32, 0, 0.06},  {28, 32, 0.05}, {16, 32, 0.05},
    {30, 32, 0.03}, {24, 24, 0.03}, {32, 29, 0.03}, {27, 27, 0.02}, {21, 32, 0.02}, {16, 24, 0.02},
};
constexpr PortPair kIpcPortless[] = {{wc, wc, 1, kIpcOpen}};
constexpr PortPair kIpcTcp[] = {{wc, em, 0.38, kIpcPorts}, {em, wc, 0.14, kIpcPorts}, {wc, wc, 0.14, kIpcOpen},
                                {hi, em, 0.08, kIpcPorts}, {em, hi, 0.06, kIpcPorts}, {wc, ar, 0.06, kIpcPorts},
                                {ar, wc, 0.03, kIpcPorts}, {wc, hi, 0.03, kIpcOpen},  {em, em, 0.03, kIpcPorts},
                                {ar, ar, 0.02, kIpcPorts}, {wc, lo, 0.01, kIpcOpen},  {lo, wc, 0.01, kIpcOpen},
                                {hi, hi, 0.01, kIpcOpen}};
constexpr PortPair kIpcUdp[] = {{wc, em, 0.35, kIpcPorts}, {em, em, 0.20, kIpcPorts}, {em, wc, 0.15, kIpcPorts},
                                {hi, em, 0.10, kIpcPorts}, {wc, wc, 0.10, kIpcOpen},  {wc, ar, 0.05, kIpcPorts},
                                {ar, em, 0.05, kIpcPorts}};
constexpr ProtocolShare kIpcProtocols[] = {{kTcp, 0.54, kIpcTcp},
                                           {kUdp, 0.28, kIpcUdp},
                                           {kAny, 0.10, kIpcPortless},
                                           {kIcmp, 0.06, kIpcPortless},
                                           {kEsp, 0.02, kIpcPortless}};
constexpr PortChoice kIpcRanges[] = {
    {1024, 5000, 0.15},  {6000, 6010, 0.1},  {137, 139, 0.15},    {8000, 8080, 0.1}, {20, 21, 0.1},
    {33434, 33600, 0.1}, {2300, 2400, 0.05}, {28800, 29000, 0.1}, {512, 1023, 0.05}, {32768, 61000, 0.1},
};
constexpr PortChoice kIpcPortChoices[] = {
    {53, 53, 0.10},     {80, 80, 0.10},     {25, 25, 0.07},   {22, 22, 0.07},    {443, 443, 0.06},   {123, 123, 0.06},
    {161, 161, 0.04},   {21, 21, 0.04},     {113, 113, 0.04}, {119, 119, 0.03},  {110, 110, 0.03},   {179, 179, 0.03},
    {514, 514, 0.03},   {2049, 2049, 0.03}, {111, 111, 0.03}, {873, 873, 0.02},  {1645, 1645, 0.02}, {3128, 3128, 0.02},
    {5060, 5060, 0.02}, {3306, 3306, 0.02}, {631, 631, 0.01}, {5432, 5432, 0.01}};

constexpr Parameters kParameters[] = {
    {kAclProtocols, kAclRanges, kAclPorts, {0.75, 0.4}, {0.50, 0.5}},
    {kFwProtocols, kFwRanges, kFwPorts, {0.65, 0.6}, {0.60, 0.6}},
    {kIpcProtocols, kIpcRanges, kIpcPortChoices, {0.50, 0.5}, {0.50, 0.5}},
};
static_assert(std::size(kParameters) == std::size(kKinds));

} // namespace

const char* name(Kind kind) {
    static constexpr const char* kNames[] = {"acl", "fw", "ipc"};
    return kNames[static_cast<unsigned>(kind)];
}

const Parameters& parameters(Kind kind) {
    return kParameters[static_cast<unsigned>(kind)];
}

} // namespace sluice::rule_sets
