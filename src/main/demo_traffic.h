#pragma once

#include <map>
#include <stop_token>
#include <string>

#include "base/random.h"
#include "main/ses_client.h"

namespace postglass {

// The configuration set that the demo makes for its mail: as `default`, with opens and clicks.
inline constexpr const char* kDemoConfigurationSet = "demo";

// What becomes of mail to the demo's people, in the form of the option mail.scenarios.
std::map<std::string, std::string> DemoScenarios();

// An address of the demo's people that always has mail, for the commands it prints.
inline constexpr const char* kDemoPerson = "alice@gmail.example";

// The set of `postglass doctor`: every event type, to the same topic.
inline constexpr const char* kDoctorConfigurationSet = "postglass-doctor";

// Sends a trickle of life-like mail, most of it password resets, until `stop`: a burst of about
// thirty at first, then one every one to five seconds.
void RunDemoTraffic(SesClient& client, Random& random, std::stop_token stop);

}  // namespace postglass
