#include <unistd.h>

#include <string>
#include <string_view>

#include "forwarder/runtime_client.h"

// The program of forwarder.zip: the forwarder alone, for the real Lambda. Configured by its
// environment (forwarder/config.h).
int main() {
  postglass::forwarder::Environment environment;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view text = *variable;
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    environment.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return postglass::forwarder::RunForwarder(environment);
}
