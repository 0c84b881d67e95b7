#pragma once

#include <string>
#include <vector>

#include "main/commands/context.h"
#include "main/server_client.h"

// The questions on the terminal. Each asks the running server, else reads the data directory
// itself.

namespace postglass {

struct SearchFlags {
  std::string query;
  std::string from = "now-24h";
  std::string to = "now";
  std::size_t limit = 100;
  std::string sort = "-timestamp";
  bool explain = false;  // on standard error, of each page
  bool json = false;
  std::string data;
  ServerFlags server;
};

int RunSearch(const CommandContext& context, const SearchFlags& flags);
// Prints matching events as they arrive, until Ctrl-C. Needs a server.
int RunTail(const CommandContext& context, const SearchFlags& flags);

struct AnswerFlags {
  std::string address;
  bool json = false;
  std::string data;
  ServerFlags server;
};

int RunAnswer(const CommandContext& context, const AnswerFlags& flags);

struct MailFlags {
  std::string id;
  bool json = false;
  std::string data;
  ServerFlags server;
};

// One mail: each recipient's state and timeline.
int RunMail(const CommandContext& context, const MailFlags& flags);

struct CountFlags {
  std::string query;
  std::string field;     // of top
  std::string interval;  // of hist; empty: one that fits
  std::string split;     // of hist
  std::string from = "now-24h";
  std::string to = "now";
  std::size_t limit = 10;
  bool json = false;
  std::string data;
  ServerFlags server;
};

// The most frequent values of a field.
int RunTop(const CommandContext& context, const CountFlags& flags);
// Events over time.
int RunHist(const CommandContext& context, const CountFlags& flags);
// The facets; with a query, what it finds for each of them.
int RunFacets(const CommandContext& context, const CountFlags& flags);

struct ExportFlags {
  std::string query;
  std::string from = "now-24h";
  std::string to = "now";
  std::string format = "ndjson";
  std::string columns;  // of CSV, commas between
  std::string output;   // empty: standard output
  std::string data;
  ServerFlags server;
};

// All events that match, however many.
int RunExport(const CommandContext& context, const ExportFlags& flags);

struct SendFlags {
  std::vector<std::string> to;
  std::string template_name = "reset";
  std::string configuration_set;
  std::string data;
};

// Sends one mail by the SES API of the running server.
int RunSend(const CommandContext& context, const SendFlags& flags);

struct DoctorFlags {
  std::string data;
};

// Sends one mail per event type through the whole chain and says what was seen of it.
int RunDoctor(const CommandContext& context, const DoctorFlags& flags);

struct AwsDoctorFlags {
  std::string from;               // a verified sender
  std::string configuration_set;  // whose events come here
  std::string region;             // empty: of the environment
  std::string endpoint;           // instead of Amazon's, of SES and SNS
  int wait_seconds = 120;         // for each event
  std::string data;
  ServerFlags server;
};

// The same with the real Amazon SES, by its mailbox simulator, signed with the AWS keys of the
// environment.
int RunDoctorAws(const CommandContext& context, const AwsDoctorFlags& flags);

}  // namespace postglass
