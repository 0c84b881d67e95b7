#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <string_view>

namespace postglass {

// Manual page and shell completions, made from the declaration of the command line that parses it:
// they cannot tell of anything else. Pure.

// A page for man(1), section 1. `details` is text for people under a heading of its own: the
// options of the server.
std::string ManualPage(const CLI::App& app, std::string_view version, std::string_view details);

// To be read by the shell: `source <(postglass completion bash)`; zsh takes it as a file
// `_postglass` in its fpath, or by source.
std::string BashCompletion(const CLI::App& app);
std::string ZshCompletion(const CLI::App& app);

}  // namespace postglass
