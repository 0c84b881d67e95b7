#include "mail/tracking/machine_signs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/clock_testing.h"
#include "base/random_testing.h"
#include "mail/message_id.h"

namespace postglass::mail {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::string_view kReader =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/120.0 Safari/537.36";

class MachineSignsTest : public testing::Test {
 protected:
  MachineSignsTest() : id_(MakeMessageId("us-east-1", clock_.Now(), random_)) {
    clock_.Advance(std::chrono::minutes(5));
  }

  std::vector<std::string_view> Find(std::string_view agent = kReader,
                                     int link = -1,
                                     std::string peer = "192.0.2.1") {
    net::HttpRequest request;
    request.method = "GET";
    request.peer_address = std::move(peer);
    request.headers.Set("User-Agent", std::string(agent));
    return signs_.Find(request, id_, link);
  }

  ManualClock clock_;
  SeededRandom random_{1};
  MachineSigns signs_{clock_};
  std::string id_;
};

TEST_F(MachineSignsTest, ReadersHaveNone) {
  EXPECT_THAT(Find(), IsEmpty());
  EXPECT_THAT(Find(kReader, 0), IsEmpty());
}

TEST_F(MachineSignsTest, TheUserAgentTells) {
  EXPECT_THAT(Find("Mozilla/5.0"), ElementsAre("proxy"));
  EXPECT_THAT(Find("Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com "
                   "GoogleImageProxy)"),
              ElementsAre("proxy"));
  EXPECT_THAT(Find("YahooMailProxy; https://help.yahoo.com"), ElementsAre("proxy"));
  EXPECT_THAT(Find("curl/8.0"), ElementsAre("scanner"));
  EXPECT_THAT(Find(""), ElementsAre("scanner"));
  EXPECT_THAT(Find("Googlebot/2.1"), ElementsAre("scanner"));
}

TEST_F(MachineSignsTest, TooSoonAfterSending) {
  id_ = MakeMessageId("us-east-1", clock_.Now(), random_);
  EXPECT_THAT(Find(), ElementsAre("instant"));
  EXPECT_THAT(Find(kReader, -1, "127.0.0.1"), IsEmpty());
  clock_.Advance(std::chrono::seconds(2));
  EXPECT_THAT(Find(), IsEmpty());
}

TEST_F(MachineSignsTest, ManyLinksOfOneMailInASecond) {
  EXPECT_THAT(Find(kReader, 0), IsEmpty());
  EXPECT_THAT(Find(kReader, 0), IsEmpty());
  EXPECT_THAT(Find(kReader, 1), IsEmpty());
  EXPECT_THAT(Find(kReader, 2), ElementsAre("many_links"));
  EXPECT_THAT(Find(kReader, 3), ElementsAre("many_links"));
  clock_.Advance(std::chrono::seconds(2));
  EXPECT_THAT(Find(kReader, 4), IsEmpty());
}

TEST_F(MachineSignsTest, RemembersSoManyMails) {
  for (int i = 0; i < 12'000; ++i) {
    id_ = MakeMessageId("us-east-1", clock_.Now() - std::chrono::hours(1), random_);
    EXPECT_THAT(Find(kReader, 0), IsEmpty());
  }
}

}  // namespace
}  // namespace postglass::mail
