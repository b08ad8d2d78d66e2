#include "policy/model/scalar.hpp"

#include <gtest/gtest.h>

namespace sluice::policy {
namespace {

/// "message (help)" of what was refused, or "" when it was not.
template <typename T> std::string refusal(const Meaning<T>& meaning) {
    if (meaning) return "";
    const TextError& problem = meaning.error();
    return problem.help.empty() ? problem.message : problem.message + " (" + problem.help + ")";
}

TEST(Number, TakesDecimalDigitsOnly) {
    EXPECT_EQ(*parse_number("0", 0, 9), 0u);
    EXPECT_EQ(*parse_number("1500", 68, 9600), 1500u);
    EXPECT_EQ(refusal(parse_number("010", 0, 99)),
              "'010' has a leading zero: some YAML tools read it as octal (write 10)");
    for (const char* text : {"", "+5", "-5", "0x10", "1_000", "1,000", "1e3", "1.0", " 1", "1 ", "ten", "0o17"}) {
        EXPECT_FALSE(parse_number(text, 0, 100'000)) << text;
    }
    EXPECT_EQ(refusal(parse_number("67", 68, 9600)), "'67' is not from 68 to 9600");
    EXPECT_EQ(refusal(parse_number("9601", 68, 9600)), "'9601' is not from 68 to 9600");
    EXPECT_EQ(refusal(parse_number("99999999999999999999", 0, 9)), "'99999999999999999999' is too large");
}

TEST(Size, KnowsBinaryAndDecimalUnits) {
    constexpr std::uint64_t kAny = ~std::uint64_t{0};
    EXPECT_EQ(*parse_size("4096", 0, kAny), 4096u);
    EXPECT_EQ(*parse_size("50k", 0, kAny), 50'000u);
    EXPECT_EQ(*parse_size("64Ki", 0, kAny), 65'536u);
    EXPECT_EQ(*parse_size("8Mi", 0, kAny), 8u << 20);
    EXPECT_EQ(*parse_size("2M", 0, kAny), 2'000'000u);
    EXPECT_EQ(*parse_size("8Gi", 0, kAny), std::uint64_t{8} << 30);
    EXPECT_EQ(*parse_size("1Ti", 0, kAny), std::uint64_t{1} << 40);
}

TEST(Size, SuggestsWhatWasMeant) {
    EXPECT_EQ(refusal(parse_size("64K", 0, 1 << 30)),
              "'64K' has an unknown unit (write 64Ki for 1024s; units are k M G T (1000) and Ki Mi Gi Ti (1024))");
    EXPECT_EQ(refusal(parse_size("8MB", 0, 1 << 30)),
              "'8MB' has an unknown unit (write 8Mi for 1024s; units are k M G T (1000) and Ki Mi Gi Ti (1024))");
    EXPECT_EQ(refusal(parse_size("8 Mi", 0, 1 << 30)),
              "'8 Mi' has an unknown unit (units are k M G T (1000) and Ki Mi Gi Ti (1024))");
    EXPECT_EQ(refusal(parse_size("big", 0, 9)), "'big' is not a size (write a number such as 4096, 64Ki or 8Mi)");
}

TEST(Size, StaysInItsBoundsAndCannotOverflow) {
    EXPECT_TRUE(parse_size("1Ki", 1024, 2048));
    EXPECT_EQ(refusal(parse_size("1k", 1024, 2048)), "'1k' is not from 1Ki to 2Ki");
    EXPECT_EQ(refusal(parse_size("16777216Ti", 0, 1 << 20)), "'16777216Ti' is not from 0 to 1Mi") << "2^64";
    EXPECT_EQ(refusal(parse_size("18446744073709551615Ti", 0, 1 << 20)),
              "'18446744073709551615Ti' is not from 0 to 1Mi");
}

TEST(Duration, WantsAUnit) {
    EXPECT_EQ(*parse_duration("20s"), 20'000u);
    EXPECT_EQ(*parse_duration("500ms"), 500u);
    EXPECT_EQ(*parse_duration("5m"), 300'000u);
    EXPECT_EQ(*parse_duration("1h"), 3'600'000u);
    EXPECT_EQ(*parse_duration("20d"), base::kMaxInterval);
    EXPECT_EQ(refusal(parse_duration("20")), "a duration without a unit (write 20s)");
    for (const char* text : {"", "s", "1h30m", "1.5s", "20 s", "20sec", "-1s", "05s", "1w"}) {
        EXPECT_FALSE(parse_duration(text)) << text;
    }
}

TEST(Duration, StaysWithinWhatTicksCanTell) {
    EXPECT_EQ(*parse_duration("100ms"), kMinTimeout);
    EXPECT_EQ(refusal(parse_duration("99ms")), "'99ms' is not from 100ms to 20d");
    EXPECT_EQ(refusal(parse_duration("0s")), "'0s' is not from 100ms to 20d");
    EXPECT_EQ(refusal(parse_duration("21d")), "'21d' is not from 100ms to 20d");
    EXPECT_EQ(refusal(parse_duration("481h")), "'481h' is not from 100ms to 20d");
    EXPECT_EQ(refusal(parse_duration("18446744073709551615d")), "'18446744073709551615d' is not from 100ms to 20d");
}

TEST(Duration, IsShownInItsLargestWholeUnit) {
    EXPECT_EQ(duration_text(1'500), "1500ms");
    EXPECT_EQ(duration_text(20'000), "20s");
    EXPECT_EQ(duration_text(3'600'000), "1h");
    EXPECT_EQ(duration_text(base::kMaxInterval), "20d");
    EXPECT_EQ(duration_text(0), "0s");
}

TEST(Boolean, IsTrueOrFalseAndNoOtherWord) {
    EXPECT_TRUE(*parse_boolean("true"));
    EXPECT_FALSE(*parse_boolean("false"));
    EXPECT_EQ(refusal(parse_boolean("yes")), "'yes' is neither true nor false (write true)");
    EXPECT_EQ(refusal(parse_boolean("Off")), "'Off' is neither true nor false (write false)");
    EXPECT_EQ(refusal(parse_boolean("True")), "'True' is neither true nor false (write true)");
    EXPECT_EQ(refusal(parse_boolean("maybe")), "'maybe' is neither true nor false");
}

TEST(Ports, AreNumbersAndRanges) {
    EXPECT_EQ(*parse_port_range("443"), (net::PortRange{443, 443}));
    EXPECT_EQ(*parse_port_range("8000-8080"), (net::PortRange{8000, 8080}));
    EXPECT_EQ(*parse_port_range("0-65535"), (net::PortRange{0, 65535}));
    EXPECT_EQ(refusal(parse_port_range("8080-8000")), "the range '8080-8000' ends before it begins (write 8000-8080)");
    for (const char* text : {"", "65536", "http", "80-", "-80", "80-90-100", "80 - 90", "80,90", "080"}) {
        EXPECT_FALSE(parse_port_range(text)) << text;
    }
}

TEST(CpuList, IsAscendingWithoutDuplicates) {
    EXPECT_EQ(*parse_cpu_list("2-4"), (std::vector<unsigned>{2, 3, 4}));
    EXPECT_EQ(*parse_cpu_list("3,1"), (std::vector<unsigned>{1, 3}));
    EXPECT_EQ(*parse_cpu_list("0"), (std::vector<unsigned>{0}));
    EXPECT_EQ(*parse_cpu_list("1-2,8"), (std::vector<unsigned>{1, 2, 8}));
    EXPECT_EQ(refusal(parse_cpu_list("1-3,2")), "CPU 2 is named twice");
    for (const char* text : {"", ",", "1,", "3-1", "1024", "a", "1-", "1--2"}) {
        EXPECT_FALSE(parse_cpu_list(text)) << text;
    }
    std::string endless = "0-1023";
    for (int i = 0; i < 10'000; ++i) {
        endless += ",0-1023";
    }
    EXPECT_FALSE(parse_cpu_list(endless));
}

TEST(Name, IsLowerCaseWordsWithALetter) {
    for (const char* text : {"a", "lan0", "web-in", "dmz_1", "v1.2", "10.0.0.1x", "2nd"}) {
        EXPECT_TRUE(parse_name(text)) << text;
    }
    EXPECT_EQ(refusal(parse_name("Web Servers")),
              "'Web Servers' is not a name: lower-case letters, digits and - _ . inside, with at least one letter "
              "(write 'web-servers')");
    for (const char* text :
         {"", "A", "-a", "a-", ".a", "a b", "a/b", "10", "10.0.0.1", "ä", "yes", "off", "null", "any", "true"}) {
        EXPECT_FALSE(parse_name(text)) << text;
    }
    EXPECT_TRUE(parse_name(std::string(63, 'a')));
    EXPECT_FALSE(parse_name(std::string(64, 'a')));
}

TEST(Device, IsAPciAddressOrDevargs) {
    for (const char* text :
         {"0000:8a:00.0", "8a:00.1", "0000:8A:00.7", "pci:0000:8a:00.0", "0000:8a:00.0,representor=0",
          "net_af_xdp0,iface=veth1", "net_pcap0,rx_pcap=/var/a.pcap,infinite_rx=1", "net_null0"}) {
        EXPECT_TRUE(parse_device(text)) << text;
    }
    for (const char* text : {"", "0000:8a:00.8", "0000:8a:00", "00:8a:00.0", "4.0", "net null", ",iface=x", "net:x"}) {
        EXPECT_FALSE(parse_device(text)) << text;
    }
}

TEST(Device, IsTheSameHoweverItIsWritten) {
    EXPECT_EQ(device_identity("8A:00.0"), device_identity("0000:8a:00.0"));
    EXPECT_EQ(device_identity("pci:0000:8a:00.0"), device_identity("0000:8a:00.0"));
    EXPECT_EQ(device_identity("net_pcap0,iface=a"), device_identity("net_pcap0,iface=b")) << "one name, one device";
    EXPECT_NE(device_identity("net_pcap0,iface=a"), device_identity("net_pcap1,iface=a"));
    EXPECT_NE(device_identity("8a:00.0,representor=0"), device_identity("8a:00.0,representor=1"));
}

} // namespace
} // namespace sluice::policy
