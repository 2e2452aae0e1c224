// The tree of commands: how a noun file declares its verbs, and what completion and the tests read from it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "tools/ctl/session.h"

namespace hearth::ctl {

// Collects the commands and remembers which one the arguments chose. One thread; must outlive the parsing.
class Tree {
 public:
  Tree();
  Tree(const Tree&) = delete;
  Tree& operator=(const Tree&) = delete;

  // Adds `noun verb` (verb empty: the noun itself is the command). `declare` binds options to a Flags that
  // lives as long as the tree; `run` is called with it when the command is chosen.
  template <typename Flags>
  void Add(const std::string& noun, const std::string& verb, const std::string& description,
           void (*declare)(CLI::App&, Flags&), int (*run)(Session&, const Flags&)) {
    auto flags = std::make_shared<Flags>();
    CLI::App* command = Command(noun, verb, description);
    declare(*command, *flags);
    command->callback([this, flags, run] { chosen_ = [flags, run](Session& s) { return run(s, *flags); }; });
  }
  // Describes a noun that has verbs.
  void Noun(const std::string& noun, const std::string& description);

  CLI::App& root() { return root_; }
  const CLI::App& root() const { return root_; }
  Globals& globals() { return globals_; }
  const std::function<int(Session&)>& chosen() const { return chosen_; }

 private:
  CLI::App* Command(const std::string& noun, const std::string& verb, const std::string& description);
  void DeclareGlobals();

  CLI::App root_;
  Globals globals_;
  std::function<int(Session&)> chosen_;
};

// Flags for commands without any.
struct NoFlags {};
inline void DeclareNothing(CLI::App& /*command*/, NoFlags& /*flags*/) {}

// --reason and --approver.
void DeclareChange(CLI::App& command, ChangeFlags& flags, bool reason_required);

// Options of which at least one and at most `most` must be given. The title is for --help.
CLI::App* OptionGroup(CLI::App& command, const std::string& title, size_t most);

// Marks an option or argument whose value is a file; completion then offers files.
CLI::Option* File(CLI::Option* option);
// A value out of a fixed set; completion offers it. `names` must outlive the option.
CLI::Option* OneOf(CLI::Option* option, const std::vector<std::string>& names);
// Numbers as people read them, checked before anything is sent.
CLI::Option* Card(CLI::Option* option);
CLI::Option* Box(CLI::Option* option);
CLI::Option* Sim(CLI::Option* option);
CLI::Option* RegionNumber(CLI::Option* option);
// 12 digits, or 14 of a natural village.
CLI::Option* VillageNumber(CLI::Option* option);
CLI::Option* AreaNumber(CLI::Option* option);
// RFC 3339 with its zone; ParseTime reads it.
CLI::Option* Time(CLI::Option* option);

// One command as a person may type it.
struct CommandInfo {
  struct OptionInfo {
    std::string name;  // "--card"; for an argument its kind, "FORM"
    bool takes_value = false;
    bool is_file = false;
    std::vector<std::string> choices;  // empty: anything
  };
  std::string path;  // "account open"
  std::string description;
  std::vector<OptionInfo> options;    // long ones; the root has the global ones
  std::vector<OptionInfo> arguments;  // in order
  bool is_noun = false;               // has verbs, does nothing itself
};

// All nouns and commands in order, the root (path "") with the global options first.
std::vector<CommandInfo> Describe(const CLI::App& root);

// Each adds the commands of one family.
void AddStockCommands(Tree& tree);         // batch, stock
void AddAccountCommands(Tree& tree);       // account, device
void AddRosterCommands(Tree& tree);        // roster
void AddScheduleCommands(Tree& tree);      // channel, package
void AddPlanCommands(Tree& tree);          // product, plan
void AddEmergencyCommands(Tree& tree);     // emergency
void AddAreaCommands(Tree& tree);          // region, area
void AddVillageCommands(Tree& tree);       // region: villages, cable, homes
void AddAreaMapCommands(Tree& tree);       // area: find, propose, export
void AddCellCommands(Tree& tree);          // cells
void AddSurveyCommands(Tree& tree);        // survey
void AddLocationCommands(Tree& tree);      // location, why
void AddInterventionCommands(Tree& tree);  // intervention
void AddHeldCommands(Tree& tree);          // intervention held, release, drop
void AddSuccessorCommands(Tree& tree);     // cells successors, accept
void AddRolloutCommands(Tree& tree);       // rollout
void AddProposeCommand(Tree& tree);        // rollout propose
void AddPolicyCommands(Tree& tree);        // policy
void AddHomeCommands(Tree& tree);          // exemption, relocation
void AddAlarmCommands(Tree& tree);         // alarm
void AddEntitlementCommands(Tree& tree);   // ecm, card
void AddAdminCommands(Tree& tree);         // stats, status, clock, audit
void AddArchiveCommands(Tree& tree);       // archive: verify needs no head-end
void AddSimulcryptCommands(Tree& tree);    // simulcrypt: needs no head-end
void AddCarouselCommands(Tree& tree);      // carousel plan: needs no head-end
void AddLocalCommands(Tree& tree);         // reason, completion, version: need no head-end

}  // namespace hearth::ctl
