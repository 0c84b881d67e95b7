#include "main/manual.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace postglass {
namespace {

std::vector<const CLI::App*> CommandsOf(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

std::vector<const CLI::Option*> OptionsOf(const CLI::App& app) {
  return app.get_options([](const CLI::Option* option) { return option->nonpositional(); });
}

std::vector<const CLI::Option*> PositionalsOf(const CLI::App& app) {
  return app.get_options([](const CLI::Option* option) { return option->get_positional(); });
}

// "--data", "-h" …
std::vector<std::string> NamesOf(const CLI::Option& option) {
  std::vector<std::string> names;
  for (const std::string& name : option.get_snames()) names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) names.push_back("--" + name);
  return names;
}

bool TakesValue(const CLI::Option& option) { return option.get_items_expected_max() > 0; }

// The words that an option takes, when it takes no others: CLI11 names them in the type,
// "TEXT:{a,b}".
std::vector<std::string> ChoicesOf(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const std::size_t begin = type.find(":{");
  if (begin == std::string::npos || !type.ends_with('}')) return {};
  return CLI::detail::split(type.substr(begin + 2, type.size() - begin - 3), ',');
}

std::string ValueName(const CLI::Option& option) {
  const std::vector<std::string> choices = ChoicesOf(option);
  if (!choices.empty()) return fmt::format("{}", fmt::join(choices, "|"));
  return option.get_type_name();
}

// Text as roff takes it literally.
std::string Roff(std::string_view text) {
  std::string out;
  bool line_begins = true;
  for (const char c : text) {
    // A dot or an apostrophe at the beginning of a line would be a request.
    if (line_begins && (c == '.' || c == '\'')) out += "\\&";
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
    line_begins = c == '\n';
  }
  return out;
}

void AppendOption(std::string& out, const CLI::Option& option) {
  std::string names = fmt::format("{}", fmt::join(NamesOf(option), ", "));
  if (names.empty()) names = option.get_name(/*positional=*/true);
  out += fmt::format(".TP\n.B {}\n", Roff(names));
  if (TakesValue(option) && option.nonpositional()) {
    out.insert(out.size() - 1, fmt::format(" \\fI{}\\fR", Roff(ValueName(option))));
  }
  std::string help = option.get_description();
  if (const std::string fallback = option.get_default_str(); !fallback.empty()) {
    help += fmt::format(" (default: {})", fallback);
  }
  out += Roff(help) + "\n";
}

void AppendCommand(std::string& out, const CLI::App& command, const std::string& path) {
  std::string usage = path;
  for (const CLI::Option* positional : PositionalsOf(command)) {
    const std::string name = positional->get_name(/*positional=*/true);
    usage += positional->get_required() ? " " + name : " [" + name + "]";
  }
  out += fmt::format(".SS {}\n{}\n", Roff(usage), Roff(command.get_description()));
  for (const CLI::Option* positional : PositionalsOf(command)) AppendOption(out, *positional);
  for (const CLI::Option* option : OptionsOf(command)) AppendOption(out, *option);
  for (const CLI::App* inner : CommandsOf(command)) {
    AppendCommand(out, *inner, path + " " + inner->get_name());
  }
}

// A command and those below it, with the words that lead there: " keys list".
struct Place {
  const CLI::App* app;
  std::string path;
};

void Collect(const CLI::App& app, const std::string& path, std::vector<Place>& places) {
  places.push_back({&app, path});
  for (const CLI::App* command : CommandsOf(app)) {
    Collect(*command, path + " " + command->get_name(), places);
  }
}

std::vector<std::string> WordsOf(const CLI::App& app) {
  std::vector<std::string> words;
  for (const CLI::App* command : CommandsOf(app)) words.push_back(command->get_name());
  for (const CLI::Option* positional : PositionalsOf(app)) {
    for (const std::string& choice : ChoicesOf(*positional)) words.push_back(choice);
  }
  for (const CLI::Option* option : OptionsOf(app)) {
    for (const std::string& name : NamesOf(*option)) words.push_back(name);
  }
  return words;
}

// Between single quotes of a shell.
std::string Quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out + "'";
}

// What means something in the texts of zsh's _arguments and _describe.
std::string ZshText(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (std::string_view("[]:\\").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

// "name:value:action" of an argument.
std::string ZshValue(const CLI::Option& option, std::string_view name) {
  const std::vector<std::string> choices = ChoicesOf(option);
  if (!choices.empty()) return fmt::format(":{}:({})", ZshText(name), fmt::join(choices, " "));
  return fmt::format(":{}:_files", ZshText(name));
}

void AppendZshArguments(std::string& out, const CLI::App& app, std::string_view indent) {
  out += fmt::format("{}_arguments", indent);
  for (const CLI::Option* option : OptionsOf(app)) {
    for (const std::string& name : NamesOf(*option)) {
      std::string spec = fmt::format("{}[{}]", name, ZshText(option->get_description()));
      if (TakesValue(*option)) spec += ZshValue(*option, "value");
      out += fmt::format(" \\\n{}  {}", indent, Quoted(spec));
    }
  }
  for (const CLI::Option* positional : PositionalsOf(app)) {
    const std::string name = positional->get_name(/*positional=*/true);
    out += fmt::format(" \\\n{}  {}", indent, Quoted(ZshValue(*positional, name)));
  }
  out += '\n';
}

void AppendZshCommand(std::string& out, const CLI::App& app, const std::string& indent) {
  const std::vector<const CLI::App*> commands = CommandsOf(app);
  if (commands.empty()) return AppendZshArguments(out, app, indent);
  out += fmt::format("{}local line state\n", indent);
  out += fmt::format("{}_arguments -C '1:command:->command' '*::argument:->argument'\n", indent);
  out += fmt::format("{}case $state in\n{}command)\n", indent, indent);
  out += fmt::format("{}  local -a commands\n{}  commands=(\n", indent, indent);
  for (const CLI::App* command : commands) {
    out += fmt::format(
        "{}    {}\n",
        indent,
        Quoted(ZshText(command->get_name()) + ":" + ZshText(command->get_description())));
  }
  out += fmt::format("{}  )\n{}  _describe command commands ;;\n", indent, indent);
  out += fmt::format("{}argument)\n{}  case $line[1] in\n", indent, indent);
  for (const CLI::App* command : commands) {
    out += fmt::format("{}  {})\n", indent, command->get_name());
    AppendZshCommand(out, *command, indent + "    ");
    out += fmt::format("{}    ;;\n", indent);
  }
  out += fmt::format("{}  esac ;;\n{}esac\n", indent, indent);
}

}  // namespace

std::string ManualPage(const CLI::App& app, std::string_view version, std::string_view details) {
  std::string out = fmt::format(".TH {} 1 \"\" \"{} {}\"\n",
                                CLI::detail::to_lower(app.get_name()),
                                Roff(app.get_name()),
                                Roff(version));
  out += fmt::format(".SH NAME\n{} \\- {}\n", Roff(app.get_name()), Roff(app.get_description()));
  out += fmt::format(".SH SYNOPSIS\n.B {}\n.I command\n.RI [ options ]\n", Roff(app.get_name()));
  out += ".SH OPTIONS\n";
  for (const CLI::Option* option : OptionsOf(app)) AppendOption(out, *option);
  out += ".SH COMMANDS\n";
  for (const CLI::App* command : CommandsOf(app)) {
    AppendCommand(out, *command, app.get_name() + " " + command->get_name());
  }
  out += fmt::format(".SH CONFIGURATION\n.nf\n{}\n.fi\n", Roff(details));
  out += fmt::format(".SH NOTES\n.nf\n{}\n.fi\n", Roff(app.get_footer()));
  return out;
}

std::string BashCompletion(const CLI::App& app) {
  std::vector<Place> places;
  Collect(app, "", places);
  const std::string& name = app.get_name();
  std::string paths;
  std::string values;
  std::string words;
  for (const Place& place : places) {
    if (!place.path.empty()) {
      paths += fmt::format("{}{}", paths.empty() ? "" : "|", Quoted(place.path));
    }
    words += fmt::format("    {}) words={} ;;\n",
                         Quoted(place.path),
                         Quoted(fmt::format("{}", fmt::join(WordsOf(*place.app), " "))));
    for (const CLI::Option* option : OptionsOf(*place.app)) {
      if (!TakesValue(*option)) continue;
      const std::string choices = fmt::format("{}", fmt::join(ChoicesOf(*option), " "));
      for (const std::string& flag : NamesOf(*option)) {
        values +=
            fmt::format("    {}) words={} ;;\n", Quoted(place.path + " " + flag), Quoted(choices));
      }
    }
  }
  // Without words of its own, readline completes file names (-o default).
  return fmt::format(R"(# bash completion for {0}
_{0}() {{
  local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD-1]}} path='' words='-' i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$path ${{COMP_WORDS[i]}}" in
    {1}) path+=" ${{COMP_WORDS[i]}}" ;;
    esac
  done
  # The value of an option.
  case "$path $prev" in
{2}    *) words='' ; false ;;
  esac && {{
    [ -n "$words" ] && mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
    return
  }}
  case "$path" in
{3}  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}}
complete -o default -F _{0} {0}
)",
                     name,
                     paths,
                     values,
                     words);
}

std::string ZshCompletion(const CLI::App& app) {
  std::string out = fmt::format("#compdef {0}\n_{0}() {{\n", app.get_name());
  AppendZshCommand(out, app, "  ");
  out += fmt::format("}}\ncompdef _{0} {0}\n", app.get_name());
  return out;
}

}  // namespace postglass
