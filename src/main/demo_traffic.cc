#include "main/demo_traffic.h"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string_view>

#include "base/log.h"

namespace postglass {
namespace {

constexpr int kFirstBurst = 30;

struct Person {
  std::string_view address;
  std::string_view scenario;
};

// Every scenario has somebody, and the bounces and complaints are as rare as in life.
constexpr std::array kPeople = {
    Person{"alice@gmail.example", "success"},
    Person{"bob@outlook.example", "open"},
    Person{"carol@yahoo.example", "click"},
    Person{"dave@corp.example", "delay"},
    Person{"erin@gmail.example", "success"},
    Person{"frank@old-address.example", "bounce"},
    Person{"grace@corp.example", "success"},
    Person{"heidi@full-mailbox.example", "mailboxfull"},
    Person{"ivan@outlook.example", "success"},
    Person{"judy@icloud.example", "open"},
    Person{"ken@gmail.example", "click"},
    Person{"laura@angry.example", "complaint"},
    Person{"mallory@corp.example", "softbounce"},
    Person{"niaj@yahoo.example", "success"},
    Person{"olivia@icloud.example", "success"},
    Person{"peggy@slow.example", "delay-bounce"},
    Person{"quentin@gmail.example", "open"},
    Person{"rupert@silent.example", "silent"},
    Person{"sybil@suppressed.example", "suppressionlist"},
    Person{"trent@corp.example", "success"},
    Person{"victor@outlook.example", "click"},
    Person{"wendy@gmail.example", "success"},
};

// How often, out of a hundred, each kind of mail is sent.
constexpr std::array<std::pair<std::string_view, std::uint64_t>, 5> kMix = {
    {{"reset", 60}, {"signin", 20}, {"verify", 8}, {"invoice", 7}, {"welcome", 5}}};

std::string_view PickTemplate(Random& random) {
  std::uint64_t roll = random.Below(100);
  for (const auto& [name, share] : kMix) {
    if (roll < share) return name;
    roll -= share;
  }
  return kMix.front().first;
}

// Most mail goes to those who get it: people with trouble are drawn again half of the time.
const Person& PickPerson(Random& random) {
  const Person& first = kPeople[random.Below(kPeople.size())];
  const bool fine =
      first.scenario == "success" || first.scenario == "open" || first.scenario == "click";
  return fine || random.Below(2) == 0 ? first : kPeople[random.Below(kPeople.size())];
}

// False when `stop` came first.
bool Pause(std::chrono::milliseconds duration, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  wake.wait_for(lock, stop, duration, [] { return false; });
  return !stop.stop_requested();
}

}  // namespace

std::map<std::string, std::string> DemoScenarios() {
  std::map<std::string, std::string> table;
  for (const Person& person : kPeople) {
    table[std::string(person.address)] = std::string(person.scenario);
  }
  return table;
}

void RunDemoTraffic(SesClient& client, Random& random, std::stop_token stop) {
  for (int sent = 0; !stop.stop_requested(); ++sent) {
    // The first mails go round the people, so that each has something to be found.
    const Person& person = sent < kFirstBurst
                               ? kPeople[static_cast<std::size_t>(sent) % kPeople.size()]
                               : PickPerson(random);
    const std::string_view name = sent % 3 == 0 ? "reset" : PickTemplate(random);
    auto text = MakeMail(name, person.address, random);
    if (!text) return;
    const auto id = client.Send({std::move(*text),
                                 {std::string(person.address)},
                                 kDemoConfigurationSet,
                                 {{"template", std::string(name)}}});
    if (!id && !stop.stop_requested()) {
      log::Warn("demo", "a mail could not be sent: {}", id.error().message);
    }
    const std::uint64_t pause_ms =
        sent < kFirstBurst ? 50 + random.Below(100) : 1'000 + random.Below(4'000);
    if (!Pause(std::chrono::milliseconds(pause_ms), stop)) return;
  }
}

}  // namespace postglass
