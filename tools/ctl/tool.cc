#include "tools/ctl/tool.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "tools/ctl/tree.h"

namespace hearth::ctl {
namespace {

// What the environment gives when the flag is not there. A server beats a port file, flags beat both.
void ReadEnvironment(const Io& io, Globals& globals) {
  if (globals.server.empty() && globals.port_file.empty()) {
    globals.server = io.env("HEARTH_SERVER");
    if (globals.server.empty()) globals.port_file = io.env("HEARTH_PORT_FILE");
  }
  struct Variable {
    const char* name;
    std::string& value;
  };
  const std::array<Variable, 4> variables = {{{"HEARTH_ACTOR", globals.actor},
                                              {"HEARTH_CA", globals.ca},
                                              {"HEARTH_CERT", globals.cert},
                                              {"HEARTH_KEY", globals.key}}};
  for (const Variable& variable : variables) {
    if (variable.value.empty()) variable.value = io.env(variable.name);
  }
  if (io.env("HEARTH_INSECURE") == "1") globals.insecure = true;
}

// The deepest command the arguments reached: "hearthctl account open".
std::string PathOf(const CLI::App& root) {
  std::string path = root.get_name();
  const CLI::App* at = &root;
  while (!at->get_subcommands().empty()) {
    at = at->get_subcommands().back();
    path += " " + at->get_name();
  }
  return path;
}

// A wrong command line as any other refusal.
Failure UsageFailure(const CLI::App& root, const CLI::ParseError& error) {
  std::string message = error.what();
  const bool missing = error.get_name() == "RequiredError" && message.find("were given") == std::string::npos;
  const auto strangers = root.remaining(true);
  if (missing && !strangers.empty()) message = fmt::format("unknown command: {}", strangers.front());
  Failure failure = LocalFailure(
      Error(missing && strangers.empty() ? Reason::kFieldMissing : Reason::kFieldInvalid, message),
      kExitUsage);
  failure.cure = fmt::format("See {} --help", PathOf(root));
  return failure;
}

int Run(const std::vector<std::string>& args, Io& io) {
  Tree tree;
  try {
    std::vector<std::string> reversed(args.rbegin(), args.rend());
    tree.root().parse(reversed);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return tree.root().exit(error, io.out, io.err);
    Globals globals;
    globals.json = std::find(args.begin(), args.end(), "--json") != args.end();
    return Session(io, globals).Fail(UsageFailure(tree.root(), error));
  }
  Globals& globals = tree.globals();
  if (!globals.server.empty() && !globals.port_file.empty()) {
    return Session(io, globals).FailUsage(InvalidField("--port-file", "goes not together with --server"));
  }
  ReadEnvironment(io, globals);
  Session session(io, globals);
  return tree.chosen()(session);
}

}  // namespace

int RunTool(const std::vector<std::string>& args, Io& io) {
  try {
    return Run(args, io);
  } catch (const std::exception& error) {
    io.err << "error: INTERNAL: " << error.what() << '\n';
    return kExitUsage;
  }
}

}  // namespace hearth::ctl
