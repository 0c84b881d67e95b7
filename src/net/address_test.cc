#include "net/address.h"

#include <gtest/gtest.h>

namespace postglass::net {
namespace {

TEST(IsPublicAddress, Table) {
  for (const std::string_view ip : {"8.8.8.8",
                                    "1.1.1.1",
                                    "172.15.255.255",
                                    "172.32.0.0",
                                    "100.63.255.255",
                                    "100.128.0.0",
                                    "192.167.255.255",
                                    "198.17.255.255",
                                    "223.255.255.255",
                                    "2606:4700::1111",
                                    "2001:4860:4860::8888",
                                    "::ffff:8.8.8.8",
                                    "64:ff9b::8.8.8.8"}) {
    EXPECT_TRUE(IsPublicAddress(ip)) << ip;
  }
  for (const std::string_view ip : {"0.0.0.0",
                                    "10.1.2.3",
                                    "100.64.0.1",
                                    "127.0.0.1",
                                    "127.255.255.254",
                                    "169.254.169.254",
                                    "172.16.0.1",
                                    "172.31.255.255",
                                    "192.0.0.8",
                                    "192.0.2.1",
                                    "192.168.0.1",
                                    "198.18.0.1",
                                    "198.51.100.1",
                                    "203.0.113.1",
                                    "224.0.0.1",
                                    "255.255.255.255",
                                    "::",
                                    "::1",
                                    "::127.0.0.1",
                                    "::ffff:127.0.0.1",
                                    "::ffff:169.254.169.254",
                                    "::ffff:a9fe:a9fe",
                                    "64:ff9b::10.0.0.1",
                                    "64:ff9b:1::1",
                                    "fe80::1",
                                    "fc00::1",
                                    "fd00:ec2::254",
                                    "ff02::1",
                                    "2001::1",
                                    "2001:db8::1",
                                    "2002:7f00:1::",
                                    "3fff::1",
                                    "",
                                    "localhost",
                                    "2130706433",
                                    "0x7f.1",
                                    "127.1",
                                    "[::1]"}) {
    EXPECT_FALSE(IsPublicAddress(ip)) << ip;
  }
}

TEST(SocketAddress, RoundTripsAndUnmapsIpv4) {
  const auto v4 = ParseSocketAddress("127.0.0.1", 80);
  ASSERT_TRUE(v4);
  EXPECT_EQ(v4->ip(), "127.0.0.1");
  EXPECT_EQ(v4->port(), 80);
  const auto v6 = ParseSocketAddress("2001:db8::1", 65535);
  ASSERT_TRUE(v6);
  EXPECT_EQ(v6->ip(), "2001:db8::1");
  EXPECT_EQ(v6->port(), 65535);
  EXPECT_EQ(ParseSocketAddress("::ffff:169.254.169.254", 1)->ip(), "169.254.169.254");
  EXPECT_FALSE(ParseSocketAddress("localhost", 1));
}

TEST(IsLinkLocalOrMetadataAddress, Table) {
  for (const std::string_view ip : {"169.254.169.254",
                                    "169.254.0.1",
                                    "100.100.100.200",
                                    "168.63.129.16",
                                    "192.0.0.192",
                                    "fe80::1",
                                    "febf::1",
                                    "fd00:ec2::254",
                                    "::ffff:169.254.169.254",
                                    "64:ff9b::169.254.169.254"}) {
    EXPECT_TRUE(IsLinkLocalOrMetadataAddress(ip)) << ip;
  }
  for (const std::string_view ip :
       {"8.8.8.8", "127.0.0.1", "10.0.0.1", "169.253.0.1", "::1", "fd00::1", "fec0::1", "x"}) {
    EXPECT_FALSE(IsLinkLocalOrMetadataAddress(ip)) << ip;
  }
}

}  // namespace
}  // namespace postglass::net
