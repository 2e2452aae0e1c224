#include "tools/ctl/completion.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

namespace hearth::ctl {
namespace {

std::string Join(const std::vector<std::string>& words, std::string_view between) {
  std::string out;
  for (const std::string& word : words) {
    if (!out.empty()) out += between;
    out += word;
  }
  return out;
}

std::string Quoted(const std::string& text) { return "'" + text + "'"; }

// Commands are walked as "/account/open", so that no word of a value can be mistaken for one.
std::string Walked(const std::string& path) {
  std::string out = path.empty() ? "" : "/" + path;
  std::replace(out.begin(), out.end(), ' ', '/');
  return out;
}

std::vector<std::string> OptionNames(const CommandInfo& command) {
  std::vector<std::string> names;
  for (const auto& option : command.options) names.push_back(option.name);
  return names;
}

// Verbs of a noun, or nouns of the root.
std::vector<std::string> NamesBelow(const std::vector<CommandInfo>& commands, const std::string& path) {
  const std::string prefix = path.empty() ? "" : path + " ";
  std::vector<std::string> names;
  for (const CommandInfo& command : commands) {
    if (command.path.empty() || command.path.compare(0, prefix.size(), prefix) != 0) continue;
    const std::string rest = command.path.substr(prefix.size());
    if (!rest.empty() && rest.find(' ') == std::string::npos) names.push_back(rest);
  }
  return names;
}

// What may stand there: a shell command that prints the candidates.
std::string Candidates(const CommandInfo::OptionInfo& option) {
  if (option.is_file) return "COMPREPLY=($(compgen -f -- \"$cur\"))";
  if (option.choices.empty()) return "COMPREPLY=()";
  return fmt::format("COMPREPLY=($(compgen -W {} -- \"$cur\"))", Quoted(Join(option.choices, " ")));
}

// Options that take a value, each once with its branch; the values of an option are the same everywhere or,
// where they are not, free.
std::string ValueBranches(const std::vector<CommandInfo>& commands) {
  std::string out;
  for (const CommandInfo& command : commands) {
    for (const auto& option : command.options) {
      if (!option.takes_value) continue;
      const std::string pattern =
          command.path.empty() ? "*' " + option.name + "'" : Quoted(Walked(command.path) + " " + option.name);
      out += fmt::format("    {}) {}; return ;;\n", pattern, Candidates(option));
    }
  }
  return out;
}

std::string CommandBranches(const std::vector<CommandInfo>& commands) {
  std::string out;
  for (const CommandInfo& command : commands) {
    std::string otherwise = "COMPREPLY=()";
    if (command.path.empty() || command.is_noun) {
      otherwise = fmt::format("COMPREPLY=($(compgen -W {} -- \"$cur\"))",
                              Quoted(Join(NamesBelow(commands, command.path), " ")));
    } else if (!command.arguments.empty()) {
      otherwise = Candidates(command.arguments.front());
    }
    const std::string own = command.path.empty() ? "" : Join(OptionNames(command), " ");
    out += fmt::format("    {}) options={}; [[ $cur == -* ]] || {} ;;\n", Quoted(Walked(command.path)),
                       Quoted(own), otherwise);
  }
  return out;
}

std::string Script(const std::vector<CommandInfo>& commands) {
  std::set<std::string> with_value;
  std::vector<std::string> known;
  for (const CommandInfo& command : commands) {
    if (!command.path.empty()) known.push_back(Quoted(Walked(command.path)));
    for (const auto& option : command.options) {
      if (option.takes_value) with_value.insert(option.name);
    }
  }
  std::string script = R"(_hearthctl() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} path='' options='' word i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    case "$word" in
      @VALUE@) ((i++)); continue ;;
    esac
    case "$path/$word" in
      @KNOWN@) path="$path/$word" ;;
    esac
  done
  case "$path $prev" in
@VALUES@  esac
  case "$path" in
@COMMANDS@  esac
  [[ $cur == -* ]] && COMPREPLY=($(compgen -W "$options @GLOBAL@ --help" -- "$cur"))
}
)";
  const auto put = [&script](std::string_view mark, const std::string& text) {
    script.replace(script.find(mark), mark.size(), text);
  };
  put("@VALUE@", Join({with_value.begin(), with_value.end()}, "|"));
  put("@KNOWN@", Join(known, "|"));
  put("@VALUES@", ValueBranches(commands));
  put("@COMMANDS@", CommandBranches(commands));
  put("@GLOBAL@", Join(OptionNames(commands.front()), " "));
  return script;
}

}  // namespace

std::string BashCompletion(const std::vector<CommandInfo>& commands) {
  return "# Completion of hearthctl for bash, printed by \"hearthctl completion bash\".\n" +
         Script(commands) + "complete -o filenames -F _hearthctl hearthctl\n";
}

std::string ZshCompletion(const std::vector<CommandInfo>& commands) {
  return "#compdef hearthctl\n"
         "# Completion of hearthctl for zsh, printed by \"hearthctl completion zsh\".\n"
         "autoload -U +X bashcompinit && bashcompinit\n" +
         Script(commands) + "complete -o filenames -F _hearthctl hearthctl\n";
}

}  // namespace hearth::ctl
