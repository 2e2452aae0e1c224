// How --help looks.
#pragma once

#include <string>

#include <CLI/CLI.hpp>

namespace hearth::ctl {

// Usage line, arguments, options, groups of options of which some are required, commands. `name` is the
// whole command ("hearthctl account open"). For CLI::App::formatter_fn.
std::string Help(const CLI::App* app, std::string name, CLI::AppFormatMode mode);

}  // namespace hearth::ctl
