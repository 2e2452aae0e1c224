// hearthctl roster: accounts by the ten thousand (花名册).
#include "hearth/v1/registry.grpc.pb.h"
#include "tools/ctl/rows.h"

namespace hearth::ctl {
namespace {

namespace v1 = hearth::v1;

int RunRosterImport(Session& session, const ImportFlags& flags) {
  return ImportFile(session, flags, ReadRoster, &v1::RegistryService::Stub::ImportRoster, "rows");
}

}  // namespace

void AddRosterCommands(Tree& tree) {
  tree.Noun("roster", "Rosters of filled-in five-part forms");
  tree.Add<ImportFlags>(
      "roster", "import", "Opens the accounts of a roster; bad rows are reported by line, good ones kept",
      [](CLI::App& command, ImportFlags& flags) {
        DeclareImport(command, flags,
                      "form_number,name,person_id,phone,village,address,class,card_number,box_serial,"
                      "sim_number, or their Chinese names");
      },
      RunRosterImport);
}

}  // namespace hearth::ctl
