// postglass: one program, one command at a time. Flags are declared here, what they do is in
// commands/.

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <functional>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/random.h"
#include "forwarder/runtime_client.h"
#include "main/commands/ask.h"
#include "main/commands/backup.h"
#include "main/commands/context.h"
#include "main/commands/dead_letters.h"
#include "main/commands/import.h"
#include "main/commands/keys.h"
#include "main/commands/serve.h"
#include "main/commands/store_care.h"
#include "main/exit_codes.h"
#include "main/manual.h"
#include "main/options.h"
#include "main/version.h"

extern char** environ;

namespace postglass {
namespace {

std::map<std::string, std::string> ReadEnvironment() {
  std::map<std::string, std::string> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const std::size_t equals = text.find('=');
    if (equals != std::string_view::npos) {
      variables.emplace(text.substr(0, equals), text.substr(equals + 1));
    }
  }
  return variables;
}

std::string OptionsHelp() {
  std::string text =
      "Options, by --set KEY=VALUE, environment POSTGLASS_<KEY> (dots as underscores) or the file\n"
      "postglass.toml of the data directory; the first that is given wins.\n";
  for (const OptionSpec& spec : AllOptions()) {
    text += fmt::format("\n  {} = {}\n      {}\n",
                        spec.key,
                        spec.fallback.empty() ? "\"\"" : spec.fallback,
                        spec.help);
  }
  return text;
}

// All the flags of all the commands, where CLI11 puts what it parsed.
struct Parsed {
  ServeFlags serve;
  std::vector<std::string> set;
  InitFlags init;
  SearchFlags search;
  AnswerFlags answer;
  MailFlags mail;
  CountFlags counts;
  ExportFlags export_;
  ImportFlags import_;
  SendFlags send;
  DoctorFlags doctor;
  AwsDoctorFlags aws_doctor;
  KeysFlags keys;
  UsersFlags users;
  BackupFlags backup;
  StoreCareFlags store_care;
  DeadLettersFlags dead_letters;
  bool verify_only = false;
  std::string help_topic;
  std::string shell;
};

using Action = std::function<int(const CommandContext&)>;

void AddData(CLI::App& command, std::string& target) {
  command.add_option("--data",
                     target,
                     "data directory (default: $POSTGLASS_DATA, then "
                     "$XDG_DATA_HOME/postglass, ~/.local/share/postglass)");
}

void AddServer(CLI::App& command, ServerFlags& server, std::string& data) {
  AddData(command, data);
  command.add_option(
      "--url", server.url, "ask this server instead of the one of the data directory");
  command.add_option("--api-key", server.api_key, "API key for --url");
  command.add_option("--application-key", server.application_key, "application key for --url");
}

void AddServe(CLI::App& app, Parsed& parsed, Action& action) {
  for (const bool demo : {false, true}) {
    CLI::App* command =
        app.add_subcommand(demo ? "demo" : "serve",
                           demo ? "serve, with a trickle of life-like mail" : "run the server");
    AddData(*command, parsed.serve.data);
    const auto option = [&](const std::string& flag, const std::string& key) {
      command->add_option_function<std::string>(
          flag,
          [&parsed, key](const std::string& text) { parsed.serve.options[key] = text; },
          fmt::format("ADDR:PORT or URL; sets the option {}", key));
    };
    option("--http", "listen.http");
    option("--https", "listen.https");
    option("--smtp", "listen.smtp");
    option("--smtps", "listen.smtps");
    option("--hooks", "listen.hooks");
    option("--public-url", "public_url");
    command->add_option(
        "--config", parsed.serve.config, "configuration file (default: DIR/postglass.toml)");
    command->add_option("--set", parsed.set, "KEY=VALUE, any option; see postglass help options")
        ->allow_extra_args(false);
    command->callback([&parsed, &action, demo] {
      parsed.serve.demo = demo;
      action = [&parsed](const CommandContext& context) {
        for (const std::string& item : parsed.set) {
          const std::size_t equals = item.find('=');
          if (equals == std::string::npos) {
            return FailWith({ErrorCode::kInvalidArgument,
                             fmt::format("--set takes KEY=VALUE, not \"{}\"", item)});
          }
          parsed.serve.options[item.substr(0, equals)] = item.substr(equals + 1);
        }
        return RunServe(context, parsed.serve);
      };
    });
  }
  CLI::App* init =
      app.add_subcommand("init", "make a data directory and print its credentials, once");
  AddData(*init, parsed.init.data);
  init->add_flag("--json", parsed.init.json, "print one JSON object");
  init->add_option("--region", parsed.init.region, "AWS Region it plays")->capture_default_str();
  init->add_option("--account", parsed.init.account, "AWS account id it plays, 12 digits")
      ->capture_default_str();
  init->add_flag("--bare", parsed.init.bare, "make no configuration set, topic and subscription");
  init->callback([&] {
    action = [&](const CommandContext& context) { return RunInit(context, parsed.init); };
  });
}

void AddQuestions(CLI::App& app, Parsed& parsed, Action& action) {
  CLI::App* search =
      app.add_subcommand("search", "find events: postglass search '@eventType:Bounce'");
  search->add_option("query", parsed.search.query, "in Datadog's log search syntax")->required();
  search->add_option("--from", parsed.search.from, "now-24h, ISO 8601 or epoch milliseconds")
      ->capture_default_str();
  search->add_option("--to", parsed.search.to, "the same")->capture_default_str();
  search->add_option("--limit", parsed.search.limit, "events at most")->capture_default_str();
  search
      ->add_option("--sort",
                   parsed.search.sort,
                   "timestamp or any field (@path, service ...), with - in front for the highest "
                   "first, as in --sort=-@bounce.bounceType")
      ->capture_default_str();
  search->add_flag(
      "--explain", parsed.search.explain, "say how long each step took and what was read");
  search->add_flag("--json", parsed.search.json, "one JSON object a line");
  AddServer(*search, parsed.search.server, parsed.search.data);
  search->callback([&] {
    action = [&](const CommandContext& context) { return RunSearch(context, parsed.search); };
  });

  CLI::App* tail = app.add_subcommand("tail", "print matching events as they arrive");
  tail->add_option(
      "query", parsed.search.query, "in Datadog's log search syntax; all when left out");
  tail->add_flag("--json", parsed.search.json, "one JSON object a line");
  AddServer(*tail, parsed.search.server, parsed.search.data);
  tail->callback([&] {
    action = [&](const CommandContext& context) { return RunTail(context, parsed.search); };
  });

  CLI::App* answer = app.add_subcommand("answer", "what became of the mail to an address");
  answer->add_option("address", parsed.answer.address, "address or message id")->required();
  answer->add_flag("--json", parsed.answer.json, "print one JSON object");
  AddServer(*answer, parsed.answer.server, parsed.answer.data);
  answer->callback([&] {
    action = [&](const CommandContext& context) { return RunAnswer(context, parsed.answer); };
  });

  CLI::App* mail = app.add_subcommand("mail", "one mail: its state, attempts and events");
  mail->add_option("id", parsed.mail.id, "the message id")->required();
  mail->add_flag("--json", parsed.mail.json, "print one JSON object, with every event");
  AddServer(*mail, parsed.mail.server, parsed.mail.data);
  mail->callback([&] {
    action = [&](const CommandContext& context) { return RunMail(context, parsed.mail); };
  });

  CLI::App* send = app.add_subcommand("send", "send one mail through the running server");
  send->add_option("--to", parsed.send.to, "recipient; may be repeated")->required();
  send->add_option(
          "--template", parsed.send.template_name, "reset, signin, verify, invoice, welcome")
      ->capture_default_str();
  send->add_option(
      "--configuration-set", parsed.send.configuration_set, "instead of the default one");
  AddData(*send, parsed.send.data);
  send->callback([&] {
    action = [&](const CommandContext& context) { return RunSend(context, parsed.send); };
  });
}

void AddDoctor(CLI::App& app, Parsed& parsed, Action& action) {
  CLI::App* doctor = app.add_subcommand("doctor", "test the wiring: one mail per event type");
  AddData(*doctor, parsed.doctor.data);
  AwsDoctorFlags& flags = parsed.aws_doctor;
  CLI::App* aws = doctor->add_subcommand(
      "aws",
      "test the wiring of the real Amazon SES to this server by its mailbox simulator, with the "
      "AWS keys of the environment");
  aws->add_option("--from", flags.from, "a verified sender")->required();
  aws->add_option(
         "--configuration-set", flags.configuration_set, "the set whose events should come here")
      ->required();
  aws->add_option("--region", flags.region, "Region of SES (default: $AWS_REGION)");
  aws->add_option("--endpoint", flags.endpoint, "URL that answers as SES and SNS do");
  aws->add_option("--wait", flags.wait_seconds, "seconds to wait for each event")
      ->capture_default_str();
  AddServer(*aws, flags.server, flags.data);
  aws->callback([&] {
    action = [&](const CommandContext& c) { return RunDoctorAws(c, parsed.aws_doctor); };
  });
  doctor->callback([&, aws] {
    if (aws->parsed()) return;
    action = [&](const CommandContext& context) { return RunDoctor(context, parsed.doctor); };
  });
}

void AddRange(CLI::App& command, std::string& from, std::string& to) {
  command.add_option("--from", from, "now-24h, ISO 8601 or epoch milliseconds")
      ->capture_default_str();
  command.add_option("--to", to, "the same")->capture_default_str();
}

void AddCounts(CLI::App& app, Parsed& parsed, Action& action) {
  const auto finish = [&](CLI::App* command, auto run) {
    AddRange(*command, parsed.counts.from, parsed.counts.to);
    command->add_flag("--json", parsed.counts.json, "print one JSON object");
    AddServer(*command, parsed.counts.server, parsed.counts.data);
    command->callback([&parsed, &action, run] {
      action = [&parsed, run](const CommandContext& c) { return run(c, parsed.counts); };
    });
  };
  const std::string syntax = "in Datadog's log search syntax; all when left out";
  CLI::App* facets = app.add_subcommand(
      "facets", "the facets; with a query, the values it finds for each of them");
  facets->add_option("query", parsed.counts.query, "in Datadog's log search syntax");
  facets->add_option("--limit", parsed.counts.limit, "values of each facet")->capture_default_str();
  finish(facets, RunFacets);

  CLI::App* top = app.add_subcommand("top", "the most frequent values of a field");
  top->add_option("field", parsed.counts.field, "'@bounce.bounceType', service, tags")->required();
  top->add_option("query", parsed.counts.query, syntax);
  top->add_option("--limit", parsed.counts.limit, "values")->capture_default_str();
  finish(top, RunTop);

  CLI::App* hist = app.add_subcommand("hist", "how many events when");
  hist->add_option("query", parsed.counts.query, syntax);
  hist->add_option(
      "--interval", parsed.counts.interval, "30s, 5m, 1h, 1d, for example; default: one that fits");
  hist->add_option("--by", parsed.counts.split, "count each value of this field");
  finish(hist, RunHist);

  CLI::App* export_events = app.add_subcommand("export", "all events that match, however many");
  ExportFlags& flags = parsed.export_;
  export_events->add_option("query", flags.query, "in Datadog's log search syntax")->required();
  AddRange(*export_events, flags.from, flags.to);
  export_events->add_option("--format", flags.format, "ndjson or csv")
      ->capture_default_str()
      ->check(CLI::IsMember({"ndjson", "csv"}));
  export_events->add_option(
      "--columns", flags.columns, "of csv: fields with commas between, attributes for all of them");
  export_events->add_option("--output",
                            flags.output,
                            "file; it gets its name when it is whole (default: standard output)");
  AddServer(*export_events, flags.server, flags.data);
  export_events->callback([&] {
    action = [&](const CommandContext& context) { return RunExport(context, parsed.export_); };
  });

  CLI::App* import_events = app.add_subcommand(
      "import", "send a file of logs through the intake; goes on where it was broken off");
  import_events
      ->add_option("file",
                   parsed.import_.file,
                   "JSON objects, one a line, also as gzip or zstd; as exported, or any logs; - is "
                   "standard input")
      ->required();
  import_events->add_option("--state",
                            parsed.import_.state,
                            "where it is noted how far it came (default: FILE.import-state)");
  AddData(*import_events, parsed.import_.data);
  import_events->add_option(
      "--url", parsed.import_.server.url, "send to the intake of this server");
  import_events->add_option("--api-key", parsed.import_.server.api_key, "API key for --url");
  import_events->callback([&] {
    action = [&](const CommandContext& context) { return RunImport(context, parsed.import_); };
  });
}

void AddAdministration(CLI::App& app, Parsed& parsed, Action& action) {
  CLI::App* keys = app.add_subcommand("keys", "list, create and revoke keys");
  keys->require_subcommand(1);
  CLI::App* list = keys->add_subcommand("list", "all keys, without their secrets");
  CLI::App* create = keys->add_subcommand("create", "make a key and print it, once");
  CLI::App* revoke = keys->add_subcommand("revoke", "end a key at once");
  create->add_option("kind", parsed.keys.kind, "api, application or aws")
      ->required()
      ->check(CLI::IsMember({"api", "application", "aws"}));
  create->add_option("--name", parsed.keys.name, "what it is for")->capture_default_str();
  create->add_option("--action",
                     parsed.keys.actions,
                     "for aws: an action it may call, ses:SendRawEmail say; may be repeated");
  revoke->add_option("id", parsed.keys.id, "as listed, or the whole key")->required();
  for (CLI::App* command : {list, create, revoke}) {
    AddData(*command, parsed.keys.data);
    command->add_flag("--json", parsed.keys.json, "print JSON");
  }
  list->callback(
      [&] { action = [&](const CommandContext& c) { return RunKeysList(c, parsed.keys); }; });
  create->callback(
      [&] { action = [&](const CommandContext& c) { return RunKeysCreate(c, parsed.keys); }; });
  revoke->callback(
      [&] { action = [&](const CommandContext& c) { return RunKeysRevoke(c, parsed.keys); }; });

  CLI::App* users = app.add_subcommand("users", "who may log in to the console");
  users->require_subcommand(1);
  CLI::App* all = users->add_subcommand("list", "their names");
  CLI::App* add = users->add_subcommand("create", "add one; prints the password");
  CLI::App* password =
      users->add_subcommand("password", "replace a lost password; ends the sessions");
  CLI::App* remove = users->add_subcommand("remove", "remove one");
  for (CLI::App* command : {add, password, remove}) {
    command->add_option("name", parsed.users.name, "user name")->required();
  }
  for (CLI::App* command : {add, password}) {
    command->add_option("--password", parsed.users.password, "instead of a made one");
  }
  for (CLI::App* command : {all, add, password, remove}) {
    AddData(*command, parsed.users.data);
    command->add_flag("--json", parsed.users.json, "print JSON");
  }
  all->callback(
      [&] { action = [&](const CommandContext& c) { return RunUsersList(c, parsed.users); }; });
  add->callback(
      [&] { action = [&](const CommandContext& c) { return RunUsersCreate(c, parsed.users); }; });
  password->callback(
      [&] { action = [&](const CommandContext& c) { return RunUsersPassword(c, parsed.users); }; });
  remove->callback(
      [&] { action = [&](const CommandContext& c) { return RunUsersRemove(c, parsed.users); }; });
}

void AddDeadLetters(CLI::App& app, Parsed& parsed, Action& action) {
  CLI::App* letters = app.add_subcommand(
      "dead-letters", "what could not be delivered: look at it, deliver it again");
  letters->require_subcommand(1);
  CLI::App* list = letters->add_subcommand("list", "newest first");
  CLI::App* redrive = letters->add_subcommand(
      "redrive", "deliver again: all, one by its id, or what lies in a queue");
  list->add_option("--count", parsed.dead_letters.count, "at most")->capture_default_str();
  redrive->add_option("id", parsed.dead_letters.id, "as listed; all when left out");
  for (CLI::App* command : {list, redrive}) {
    command->add_option(
        "--queue", parsed.dead_letters.queue, "of this dead-letter queue, not the server's own");
  }
  CLI::App* queues = app.add_subcommand("queues", "all queues and how many messages they hold");
  for (CLI::App* command : {list, redrive, queues}) {
    AddData(*command, parsed.dead_letters.data);
    command->add_flag("--json", parsed.dead_letters.json, "print JSON");
  }
  list->callback([&] {
    action = [&](const CommandContext& c) { return RunDeadLettersList(c, parsed.dead_letters); };
  });
  redrive->callback([&] {
    action = [&](const CommandContext& c) { return RunDeadLettersRedrive(c, parsed.dead_letters); };
  });
  queues->callback([&] {
    action = [&](const CommandContext& c) { return RunQueuesList(c, parsed.dead_letters); };
  });
}

void AddOperations(CLI::App& app, Parsed& parsed, Action& action) {
  CLI::App* backup =
      app.add_subcommand("backup", "copy the whole data directory, also beside a running server");
  backup
      ->add_option("--to",
                   parsed.backup.to,
                   "directory of the backups; each becomes a directory there, named by its time")
      ->required();
  backup->add_flag("--json", parsed.backup.json, "print one JSON object");
  AddData(*backup, parsed.backup.data);
  backup->callback(
      [&] { action = [&](const CommandContext& c) { return RunBackup(c, parsed.backup); }; });

  CLI::App* restore =
      app.add_subcommand("restore", "make a data directory from a backup, every file checked");
  restore->add_option("backup", parsed.backup.backup, "as backup printed it")->required();
  restore->add_flag("--verify", parsed.verify_only, "only check the backup, restore nothing");
  AddData(*restore, parsed.backup.data);
  restore->callback([&] {
    action = [&](const CommandContext& c) {
      return parsed.verify_only ? RunVerifyBackup(c, parsed.backup) : RunRestore(c, parsed.backup);
    };
  });
}

void AddStoreCare(CLI::App& app, Parsed& parsed, Action& action) {
  const auto add = [&](const std::string& name, const std::string& help, auto run) {
    CLI::App* command = app.add_subcommand(name, help);
    AddData(*command, parsed.store_care.data);
    command->add_flag("--json", parsed.store_care.json, "print one JSON object");
    command->callback([&parsed, &action, run] {
      action = [&parsed, run](const CommandContext& c) { return run(c, parsed.store_care); };
    });
    return command;
  };
  add("verify",
      "check every checksum of the stored events; with the server stopped",
      RunVerifyStore);
  add("repair",
      "move damaged files of the store aside, keep the rest, say what is lost; with the server "
      "stopped",
      RunRepairStore);
  add("inspect",
      "what the stored events are made of: bytes by column and encoding",
      RunInspectStore)
      ->add_option("--segment", parsed.store_care.segment, "of this segment only, by its number");
  CLI::App* erase = add("erase",
                        "remove every event that holds an address anywhere, for good; backups "
                        "keep their copies",
                        RunErase);
  erase->add_option("address", parsed.store_care.address, "user@example.org")->required();
  erase->add_flag("--yes", parsed.store_care.yes, "do it; nothing is done without this");
}

int Run(int argc, char** argv) {
  // A peer that goes away is an error of one connection, not the end of the process.
  std::signal(SIGPIPE, SIG_IGN);
  CLI::App app("Postglass: see what became of every mail you send.", "postglass");
  app.require_subcommand(1);
  app.set_version_flag("--version", std::string(kVersion));
  app.footer(
      "Ends with 0: done or found, 1: nothing found, 2: wrong usage, 3: server or data trouble.\n"
      "postglass help COMMAND says more; postglass help options lists every option.");
  Parsed parsed;
  Action action;
  AddServe(app, parsed, action);
  AddQuestions(app, parsed, action);
  AddDoctor(app, parsed, action);
  AddCounts(app, parsed, action);
  AddAdministration(app, parsed, action);
  AddDeadLetters(app, parsed, action);
  AddOperations(app, parsed, action);
  AddStoreCare(app, parsed, action);
  CLI::App* forwarder = app.add_subcommand(
      "forwarder", "the Lambda program; run by a Lambda runtime, configured by DD_* variables");
  CLI::App* help = app.add_subcommand("help", "this text, a command's, or options");
  help->add_option("topic", parsed.help_topic, "a command, or options");
  app.add_subcommand("man", "the manual page: postglass man | man -l -")->callback([&] {
    action = [&](const CommandContext&) {
      Print(ManualPage(app, kVersion, OptionsHelp()));
      return static_cast<int>(kExitOk);
    };
  });
  CLI::App* completion = app.add_subcommand(
      "completion", "completion for a shell: source <(postglass completion bash)");
  completion->add_option("shell", parsed.shell, "bash or zsh")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh"}));
  completion->callback([&] {
    action = [&](const CommandContext&) {
      Print(parsed.shell == "bash" ? BashCompletion(app) : ZshCompletion(app));
      return static_cast<int>(kExitOk);
    };
  });

  SystemClock clock;
  SystemRandom random;
  PosixFileSystem fs;
  CommandContext context{fs, clock, random, ReadEnvironment(), "", false};
  std::error_code ignored;
  context.program = std::filesystem::read_symlink("/proc/self/exe", ignored).string();
  context.color = isatty(STDOUT_FILENO) == 1 && !context.environment.contains("NO_COLOR");

  forwarder->callback([&] {
    action = [](const CommandContext& c) {
      return forwarder::RunForwarder({c.environment.begin(), c.environment.end()});
    };
  });
  help->callback([&] {
    action = [&](const CommandContext&) {
      if (parsed.help_topic == "options") {
        Print(OptionsHelp());
      } else if (parsed.help_topic.empty()) {
        Print(app.get_formatter()->make_help(&app, "postglass", CLI::AppFormatMode::Normal));
      } else {
        for (const CLI::App* command : app.get_subcommands([](CLI::App*) { return true; })) {
          if (command->get_name() != parsed.help_topic) continue;
          Print(command->help());
          return static_cast<int>(kExitOk);
        }
        return FailWith(
            {ErrorCode::kInvalidArgument,
             fmt::format("there is no command {}; postglass help lists them", parsed.help_topic)});
      }
      return static_cast<int>(kExitOk);
    };
  });

  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    return app.exit(success);  // --help, --version
  } catch (const CLI::ParseError& error) {
    std::string what = error.what();
    for (char& c : what) {
      if (c == '\n') c = ' ';
    }
    return FailWith({ErrorCode::kInvalidArgument, what + " (see postglass help)"});
  }
  return action(context);
}

}  // namespace
}  // namespace postglass

int main(int argc, char** argv) {
  try {
    return postglass::Run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "postglass: %s\n", error.what());
  } catch (...) {
    std::fputs("postglass: ended by an unknown error\n", stderr);
  }
  return postglass::kExitTrouble;
}
