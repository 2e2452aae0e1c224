// Completion scripts, made from the tree of commands.
#pragma once

#include <string>
#include <vector>

#include "tools/ctl/tree.h"

namespace hearth::ctl {

// For bash 4 and later: commands, options, fixed choices, files where a file is wanted. Put it into
// /usr/share/bash-completion/completions/hearthctl or source it.
std::string BashCompletion(const std::vector<CommandInfo>& commands);

// The same through zsh's bashcompinit.
std::string ZshCompletion(const std::vector<CommandInfo>& commands);

}  // namespace hearth::ctl
