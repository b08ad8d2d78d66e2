#include "table.hpp"

#include "recording.hpp"

#include <gtest/gtest.h>

namespace sluice::sluicectl {
namespace {

using Lines = std::vector<std::string>;

TEST(SluicectlTable, AlignsTextLeftAndNumbersRight) {
    test::Recording recording;
    Table table({text_column("NAME"), number_column("PACKETS"), text_column("NOTE")});
    table.add({"a", "5", "x"});
    table.add({"longer", "1234567890", ""});
    table.print(recording.context);
    EXPECT_EQ(recording.sink.texts(),
              (Lines{"NAME       PACKETS  NOTE", "a                5  x", "longer  1234567890  -"}));
    EXPECT_EQ(recording.sink.lines[0].first, LineKind::head);
    EXPECT_EQ(recording.sink.lines[1].first, LineKind::row);
}

TEST(SluicectlTable, PrintedBitByBitItHasOneHeadAndColumnsGrow) {
    test::Recording recording;
    Table table({text_column("A"), text_column("B")});
    table.add({"1", "2"});
    table.print(recording.context);
    table.add({"1234", "5"});
    table.print(recording.context);
    table.add({"1", "2"});
    table.print(recording.context);
    EXPECT_EQ(recording.sink.texts(), (Lines{"A  B", "1  2", "1234  5", "1     2"}));
}

TEST(SluicectlTable, CountsCharactersNotBytes) {
    test::Recording recording;
    Table table({text_column("NAME"), text_column("B")});
    table.add({"Zürich-Süd", "1"});
    table.add({"abcdefghij", "1"});
    table.print(recording.context);
    EXPECT_EQ(recording.sink.texts(), (Lines{"NAME        B", "Zürich-Süd  1", "abcdefghij  1"}));
}

TEST(SluicectlTable, CellsCannotCommandTheTerminal) {
    test::Recording recording;
    Table table({text_column("NAME"), text_column("B")});
    table.add({"\x1b[31mred\n\xe2\x80\xae", "1"});
    table.print(recording.context);
    EXPECT_TRUE(test::is_plain_ascii(recording.sink.texts().at(1)));
}

TEST(SluicectlTable, MissingCellsShowAsNothing) {
    test::Recording recording;
    Table table({text_column("A"), number_column("B")});
    table.add({"x"});
    table.print(recording.context);
    EXPECT_EQ(recording.sink.texts()[1], "x  -");
}

TEST(SluicectlTable, ColoursOnlyWhenWanted) {
    EXPECT_EQ(coloured(Style{}, Colour::bad, "x"), "x");
    Style style;
    style.colour = true;
    EXPECT_EQ(coloured(style, Colour::bad, "x"), "\x1b[31mx\x1b[0m");
}

} // namespace
} // namespace sluice::sluicectl
