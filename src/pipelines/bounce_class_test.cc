#include "pipelines/bounce_class.h"

#include <gtest/gtest.h>

#include "pipelines/smtp_reply.h"

namespace postglass::pipelines {
namespace {

TEST(ParseSmtpReply, TakesAReplyApart) {
  struct Case {
    std::string_view reply;
    int code;
    std::string_view enhanced;
    std::string_view text;
  };

  for (const Case& c : {
           Case{"250 2.6.0 Message received", 250, "2.6.0", "250 2.6.0 Message received"},
           Case{"smtp; 550 5.1.1 user unknown", 550, "5.1.1", "550 5.1.1 user unknown"},
           Case{"SMTP;550-5.7.26 no", 550, "5.7.26", "550-5.7.26 no"},
           Case{
               "250 ok:  Message 64111812 accepted", 250, "", "250 ok:  Message 64111812 accepted"},
           Case{"421 4.4.1", 421, "4.4.1", "421 4.4.1"},
           Case{"host said: 550 5.1.1 gone", 0, "5.1.1", "host said: 550 5.1.1 gone"},
           Case{"550 from 5.1.1.2 refused", 550, "", "550 from 5.1.1.2 refused"},
           Case{"550", 550, "", "550"},
           Case{"5500 x", 0, "", "5500 x"},
           Case{"", 0, "", ""},
           Case{"smtp;", 0, "", "smtp;"},
           Case{"550 5.1.", 550, "", "550 5.1."},
       }) {
    const SmtpReplyParts parts = ParseSmtpReply(c.reply);
    EXPECT_EQ(parts.code, c.code) << c.reply;
    EXPECT_EQ(parts.enhanced, c.enhanced) << c.reply;
    EXPECT_EQ(parts.text, c.text) << c.reply;
  }
}

TEST(ClassifyBounce, FollowsTheTable) {
  struct Case {
    BounceFacts facts;
    std::string_view name;
  };

  for (const Case& c : {
           Case{{"OnAccountSuppressionList", 0, "5.1.1", ""}, "suppressed"},
           Case{{"Suppressed", 0, "", ""}, "suppressed"},
           Case{{"MailboxFull", 0, "", ""}, "mailbox_full"},
           Case{{"AttachmentRejected", 0, "", ""}, "content"},
           Case{{"General", 550, "5.1.1", "550 5.1.1 user unknown"}, "no_such_user"},
           Case{{"General", 550, "5.1.10", "null MX"}, "no_such_domain"},
           Case{{"General", 550, "5.1.10", "no"}, "no_such_user"},
           Case{{"General", 550, "5.2.1", "disabled"}, "user_disabled"},
           Case{{"General", 452, "4.2.2", "full"}, "mailbox_full"},
           Case{{"General", 552, "5.2.3", ""}, "too_large"},
           Case{{"General", 550, "5.4.4", ""}, "no_such_domain"},
           Case{{"General", 421, "4.4.1", ""}, "network_or_expired"},
           Case{{"General", 550, "5.4.7", ""}, "network_or_expired"},
           Case{{"General", 550, "5.7.26", ""}, "auth_failed"},
           Case{{"General", 550, "5.7.1", "message looks like spam"}, "content"},
           Case{{"General", 550, "5.7.1", "your IP is on a blocklist"}, "reputation"},
           Case{{"General", 550, "5.7.1", "not here"}, "recipient_refuses"},
           Case{{"General", 450, "4.7.1", "greylisted"}, "rate_limited"},
           Case{{"General", 451, "4.3.0", ""}, "remote_fault"},
           Case{{"General", 550, "", "550 No such user here"}, "no_such_user"},
           Case{{"General", 452, "", "452 over quota"}, "mailbox_full"},
           Case{{"General", 421, "", "421 too many connections"}, "rate_limited"},
           Case{{"General", 0, "", ""}, "unknown"},
           Case{{"Undetermined", 0, "", "odd"}, "unknown"},
       }) {
    EXPECT_EQ(ClassifyBounce(c.facts), c.name)
        << c.facts.sub_type << ' ' << c.facts.code << ' ' << c.facts.enhanced << c.facts.text;
  }
}

}  // namespace
}  // namespace postglass::pipelines
