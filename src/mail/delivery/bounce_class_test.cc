#include "mail/delivery/bounce_class.h"

#include <gtest/gtest.h>

namespace postglass::mail {
namespace {

struct Case {
  int code;
  const char* text;
  const char* type;
  const char* sub_type;
  const char* delay_type;
  const char* status;
};

class BounceClasses : public ::testing::TestWithParam<Case> {};

TEST_P(BounceClasses, AreThoseOfSes) {
  const Case& c = GetParam();
  const BounceClass got = ClassifyReply(c.code, c.text);
  EXPECT_EQ(got, (BounceClass{c.type, c.sub_type, c.delay_type, c.status})) << c.text;
}

INSTANTIATE_TEST_SUITE_P(
    Table,
    BounceClasses,
    ::testing::Values(
        Case{550, "550 5.1.1 user unknown", "Permanent", "General", "General", "5.1.1"},
        Case{550, "550 No such user here", "Permanent", "General", "General", "5.1.1"},
        Case{550, "550 Unrouteable address", "Permanent", "General", "General", "5.1.1"},
        Case{556,
             "556 5.1.10 Recipient address has null MX",
             "Permanent",
             "General",
             "General",
             "5.1.10"},
        Case{550, "550 5.1.2 Bad destination host", "Permanent", "General", "General", "5.1.2"},
        Case{550, "550 5.4.4 Host not found", "Permanent", "General", "General", "5.4.4"},
        Case{553, "553 5.1.3 bad syntax", "Permanent", "General", "General", "5.1.3"},
        Case{550,
             "550 5.2.1 The email account is disabled",
             "Permanent",
             "General",
             "General",
             "5.2.1"},
        Case{550, "550", "Permanent", "General", "General", "5.1.1"},
        Case{552, "552 5.2.2 over quota", "Transient", "MailboxFull", "MailboxFull", "5.2.2"},
        Case{452,
             "452-4.2.2 The recipient's inbox is out of storage",
             "Transient",
             "MailboxFull",
             "MailboxFull",
             "4.2.2"},
        Case{552, "552 Mailbox full", "Transient", "MailboxFull", "MailboxFull", "5.2.2"},
        Case{552,
             "552 5.3.4 Message size exceeds fixed limit",
             "Transient",
             "MessageTooLarge",
             "General",
             "5.3.4"},
        Case{552, "552 5.2.3 too long", "Transient", "MessageTooLarge", "General", "5.2.3"},
        Case{552, "552 message too large", "Transient", "MessageTooLarge", "General", "5.3.4"},
        Case{554,
             "554 5.7.1 Message rejected as spam",
             "Transient",
             "ContentRejected",
             "SpamDetected",
             "5.7.1"},
        Case{550,
             "550 5.6.0 conversion failed",
             "Transient",
             "ContentRejected",
             "SpamDetected",
             "5.6.0"},
        Case{554,
             "554 rejected for policy reasons",
             "Transient",
             "ContentRejected",
             "SpamDetected",
             "5.7.1"},
        Case{552,
             "552-5.7.0 message contains a virus",
             "Transient",
             "AttachmentRejected",
             "General",
             "5.7.0"},
        Case{552,
             "552 5.7.0 Blocked attachment type",
             "Transient",
             "AttachmentRejected",
             "General",
             "5.7.0"},
        Case{550,
             "550 5.7.1 Our IP 192.0.2.1 is blocked (S3140)",
             "Transient",
             "General",
             "IPFailure",
             "5.7.1"},
        Case{554,
             "554 5.7.1 Service unavailable; Client host blocked using zen.spamhaus.org",
             "Transient",
             "General",
             "IPFailure",
             "5.7.1"},
        Case{550,
             "550-5.7.26 Unauthenticated email is not accepted",
             "Transient",
             "General",
             "General",
             "5.7.26"},
        Case{550,
             "550 5.7.515 Access denied, sending domain does not meet the required level",
             "Transient",
             "General",
             "General",
             "5.7.515"},
        Case{550, "550 5.7.1 Relaying denied", "Transient", "General", "General", "5.7.1"},
        Case{421,
             "421 4.4.1 Unable to connect",
             "Transient",
             "General",
             "TransientCommunicationFailure",
             "4.4.1"},
        Case{421, "421 closing", "Transient", "General", "TransientCommunicationFailure", "4.4.2"},
        Case{451,
             "451 4.3.0 Temporary lookup failure",
             "Transient",
             "General",
             "RecipientServerError",
             "4.3.0"},
        Case{451, "451 local error", "Transient", "General", "RecipientServerError", "4.3.0"},
        Case{450, "450 4.7.1 Greylisted", "Transient", "General", "General", "4.7.1"},
        Case{421,
             "421-4.7.0 unsolicited mail",
             "Transient",
             "ContentRejected",
             "SpamDetected",
             "4.7.0"},
        Case{
            450, "450 4.1.1 User unknown", "Transient", "General", "RecipientServerError", "4.1.1"},
        Case{503, "503 bad sequence", "Undetermined", "Undetermined", "Undetermined", "5.0.0"},
        Case{500, "", "Undetermined", "Undetermined", "Undetermined", "5.0.0"}));

TEST(EnhancedStatuses, AreFoundWhereServersPutThem) {
  const std::pair<const char*, const char*> cases[] = {
      {"550 5.1.1 x", "5.1.1"},
      {"550-5.1.1 x", "5.1.1"},
      {"550 #5.1.0 x", "5.1.0"},
      {"550 x (5.7.515)", "5.7.515"},
      {"250 2.0.0 OK", "2.0.0"},
      {"550 host 5.1.1.1 x", ""},
      {"550 version 14.5.1.1", ""},
      {"550 3.1.1 x", ""},
      {"550 5.1 x", ""},
      {"", ""},
      {"5.", ""},
      {"550 5.1.1. Bye", "5.1.1"},
      {"550 5.1234.1 x", ""},
  };
  for (const auto& [text, status] : cases) EXPECT_EQ(EnhancedStatus(text), status) << text;
}

}  // namespace
}  // namespace postglass::mail
