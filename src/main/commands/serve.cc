#include "main/commands/serve.h"

#include <fmt/format.h>
#include <pthread.h>

#include <csignal>
#include <memory>
#include <thread>

#include "base/log.h"
#include "main/demo_traffic.h"
#include "main/installation.h"
#include "main/option_checks.h"
#include "main/options.h"
#include "main/server.h"
#include "main/ses_client.h"
#include "net/http_client.h"

namespace postglass {
namespace {

constexpr std::uint64_t kConfigBytesMax = 1 << 20;

// The signals that run the server, taken by one thread instead of interrupting all of them.
class Signals {
 public:
  // Call before any thread is made: they inherit the mask.
  Signals() {
    sigemptyset(&set_);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set_, signal);
    pthread_sigmask(SIG_BLOCK, &set_, nullptr);
  }

  int Wait() const {
    int signal = 0;
    while (sigwait(&set_, &signal) != 0) {
    }
    return signal;
  }

 private:
  sigset_t set_;
};

Result<Options> LoadOptions(const CommandContext& context,
                            const ServeFlags& flags,
                            const Path& data) {
  const Path file = flags.config.empty() ? data / "postglass.toml" : Path(flags.config);
  std::string text;
  if (!flags.config.empty() || context.fs.Exists(file)) {
    auto read = context.fs.ReadFile(file, kConfigBytesMax);
    if (!read) return Fail(ErrorCode::kInvalidArgument, read.error().message);
    text = std::move(*read);
  }
  std::map<std::string, std::string> given = flags.options;
  if (flags.demo && !given.contains("mail.scenarios")) {
    std::string table;
    for (const auto& [address, scenario] : DemoScenarios()) {
      table += fmt::format("{}{}={}", table.empty() ? "" : ",", address, scenario);
    }
    given["mail.scenarios"] = table;
  }
  ASSIGN_OR_RETURN(Options options, Options::Load(text, file.string(), context.environment, given));
  RETURN_IF_ERROR(CheckOptions(options));
  return options;
}

log::Level LevelOf(const std::string& name) {
  if (name == "debug") return log::Level::kDebug;
  if (name == "warn") return log::Level::kWarn;
  if (name == "error") return log::Level::kError;
  return log::Level::kInfo;
}

std::string CredentialsText(const json::object& credentials) {
  const auto get = [&](std::string_view path) {
    const json::value* v = json::FindPath(credentials, path);
    return v != nullptr && v->is_string() ? std::string(v->get_string()) : std::string();
  };
  return fmt::format(
      "These credentials are shown this once; only hashes are kept where a hash will do.\n"
      "  console           user {}, password {}\n"
      "  AWS               AWS_ACCESS_KEY_ID={} AWS_SECRET_ACCESS_KEY={} AWS_DEFAULT_REGION={}\n"
      "  SMTP              user {}, password {}\n"
      "  API key           {}\n"
      "  application key   {}\n",
      get("admin.user"),
      get("admin.password"),
      get("aws.access_key_id"),
      get("aws.secret_access_key"),
      get("aws.region"),
      get("smtp.user"),
      get("smtp.password"),
      get("api_key"),
      get("application_key"));
}

// A word for a shell: quoted when it has to be.
std::string ShellWord(const std::string& text) {
  if (text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                             "/._-@:") == std::string::npos) {
    return text;
  }
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'') {
      quoted += "'\\''";
    } else {
      quoted += c;
    }
  }
  return quoted + "'";
}

std::string WelcomeText(const CommandContext& context,
                        const ServeFlags& flags,
                        const Path& data,
                        const Server::Addresses& addresses,
                        bool is_new) {
  const std::string program = ShellWord(context.program);
  const std::string data_flag =
      data == DataDirectory::DefaultPath(context.environment)
          ? ""
          : " --data " + ShellWord(std::filesystem::absolute(data).string());
  const std::string person = flags.demo ? kDemoPerson : "ADDRESS";
  std::string text = fmt::format(
      "\nPostglass is up. Data: {}\n"
      "  console           {}\n"
      "  AWS, Datadog API  {}  and  {} (trust {}/tls/ca.pem)\n"
      "  SMTP              {} (STARTTLS), {} (TLS)\n",
      data.string(),
      addresses.http,
      addresses.http,
      addresses.https,
      data.string(),
      addresses.smtp,
      addresses.smtps);
  if (!addresses.hooks.empty()) {
    text += fmt::format("  /hooks and /t     {}\n", addresses.hooks);
  }
  if (!is_new) {
    text += fmt::format(
        "To get back in: the password that was printed at the first start. A lost one is replaced "
        "by\n  {} users password admin{}\nand lost keys by {} keys create{}\n",
        program,
        data_flag,
        program,
        data_flag);
  }
  text += fmt::format(
      "Try\n  {} answer {}{}\n  {} search '@eventType:Bounce'{}\n  {} send --to "
      "bounce@simulator.amazonses.com{}\n",
      program,
      person,
      data_flag,
      program,
      data_flag,
      program,
      data_flag);
  if (flags.demo) {
    text +=
        "In the console, paste alice@gmail.example, frank@old-address.example or "
        "dave@corp.example.\n";
  }
  return text + "Ctrl-C stops it; everything stays.\n";
}

// The demo's mail, sent by a thread of its own until it is destroyed.
class Demo {
 public:
  Demo(const CommandContext& context, SesClient::Target target)
      : client_(net::MakeHttpClient({})),
        ses_(*client_, context.clock, std::move(target)),
        thread_([this, &context](const std::stop_token& stop) {
          const Status made =
              ses_.EnsureTrackedSet(kDemoConfigurationSet, MailEventsTopicArn(ses_.account()));
          if (!made) log::Warn("demo", "the configuration set: {}", made.error().message);
          RunDemoTraffic(ses_, context.random, stop);
        }) {}

 private:
  std::unique_ptr<net::HttpClient> client_;
  SesClient ses_;
  std::jthread thread_;
};

}  // namespace

int RunServe(const CommandContext& context, const ServeFlags& flags) {
  const Signals signals;
  const Path data = context.DataPath(flags.data);
  const auto options = LoadOptions(context, flags, data);
  if (!options) return FailWith(options.error());
  log::SetLevel(LevelOf(options->String("log.level")));

  const auto directory = DataDirectory::OpenForWriting(context.fs, context.random, data);
  if (!directory) return FailWith(directory.error());
  const auto server = Server::Create(
      {context.fs, context.clock, context.random, context.program}, **directory, *options);
  if (!server) return FailWith(server.error());
  const bool is_new = (*directory)->is_new();
  if (is_new) {
    const auto credentials = (*server)->Initialise(Server::Resources::kDefault);
    if (!credentials) return FailWith(credentials.error());
    Print(CredentialsText(*credentials));
  }
  const auto addresses = (*server)->Listen();
  if (!addresses) return FailWith(addresses.error());
  Print(WelcomeText(context, flags, data, *addresses, is_new));
  std::fflush(stdout);

  std::unique_ptr<Demo> demo;
  if (flags.demo) {
    auto target = FindSesTarget(context, data, addresses->http);
    if (!target) return FailWith(target.error());
    demo = std::make_unique<Demo>(context, std::move(*target));
  }
  while (signals.Wait() == SIGHUP) (*server)->ReloadTls();
  Print("Stopping: what is under way ends, the rest waits on disk.\n");
  std::fflush(stdout);
  demo.reset();
  (*server)->Stop();
  return kExitOk;
}

int RunInit(const CommandContext& context, const InitFlags& flags) {
  const Path data = context.DataPath(flags.data);
  const auto options = Options::Load("", "", {}, {});
  if (!options) return FailWith(options.error());
  const auto directory = DataDirectory::OpenForWriting(context.fs, context.random, data);
  if (!directory) return FailWith(directory.error());
  if (!(*directory)->is_new()) {
    return FailWith({ErrorCode::kAlreadyExists,
                     fmt::format("{} is a data directory already; its credentials were printed "
                                 "then. New ones: postglass keys create, postglass users password",
                                 data.string())});
  }
  const Status saved = SaveAccount((*directory)->settings(), {flags.region, flags.account});
  if (!saved) return FailWith(saved.error());
  const auto server = Server::Create(
      {context.fs, context.clock, context.random, context.program}, **directory, *options);
  if (!server) return FailWith(server.error());
  const auto credentials =
      (*server)->Initialise(flags.bare ? Server::Resources::kBare : Server::Resources::kDefault);
  if (!credentials) return FailWith(credentials.error());
  (*server)->Stop();
  if (flags.json) {
    Print(json::Serialize(*credentials) + "\n");
  } else {
    Print(CredentialsText(*credentials));
    Print(fmt::format(
        "Start it: {} serve --data {}\n", ShellWord(context.program), ShellWord(data.string())));
  }
  return kExitOk;
}

}  // namespace postglass
