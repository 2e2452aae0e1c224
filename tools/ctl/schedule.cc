// hearthctl channel, package.
#include <fmt/format.h>

#include "hearth/v1/schedule.grpc.pb.h"
#include "tools/ctl/criteria.h"
#include "tools/ctl/files.h"
#include "tools/ctl/rows.h"

namespace hearth::ctl {
namespace {

namespace v1 = hearth::v1;
using Schedule = v1::ScheduleService::Stub;

int RunChannelImport(Session& session, const ImportFlags& flags) {
  return ImportFile(session, flags, ReadChannels, &Schedule::ImportChannels, "channels");
}

int RunChannelList(Session& session, const NoFlags& /*flags*/) {
  Table table({{"service", true}, {"name"}, {"name_zh"}, {"kind"}, {"province"}, {"criteria"}});
  return session.List(&Schedule::ListChannels, v1::ListChannelsRequest(),
                      [&](const v1::ListChannelsResponse& answer) {
                        for (const v1::Channel& channel : answer.channels()) {
                          table.Add({std::to_string(channel.service_id()), channel.name(),
                                     OrDash(channel.name_zh()), v1::Channel::Kind_Name(channel.kind()),
                                     OrDash(channel.province()), CriteriaText(channel.criteria())});
                        }
                        table.Print(session.out());
                      });
}

// 1,2,3,7 → "1-3,7".
std::string ServicesText(const google::protobuf::RepeatedField<uint32_t>& services) {
  std::string text;
  for (int i = 0; i < services.size();) {
    int end = i + 1;
    while (end < services.size() && services[end] == services[end - 1] + 1) ++end;
    if (!text.empty()) text += ",";
    text += std::to_string(services[i]);
    if (end - i > 1) text += fmt::format("-{}", services[end - 1]);
    i = end;
  }
  return text;
}

void AddPackage(const v1::Package& package, Table& table) {
  table.Add({std::to_string(package.package_id()), package.province(), std::to_string(package.epoch()),
             package.name(), ServicesText(package.service_ids())});
}

Table PackageTable() {
  return Table({{"package", true}, {"province"}, {"epoch", true}, {"name"}, {"services"}});
}

struct PackageFlags {
  uint32_t id = 0;
  std::string name;
  std::string province;
  std::string services;
  ChangeFlags change;
};

void DeclarePackage(CLI::App& command, PackageFlags& flags) {
  command.add_option("--id", flags.id, "Number of the package, 1 to 65535")
      ->type_name("N")
      ->required()
      ->check(CLI::Range(1, 65535).description(""));
  command.add_option("--name", flags.name, "Its name")->type_name("TEXT")->required();
  RegionNumber(command.add_option("--province", flags.province, "The province whose cards get it"))
      ->required();
  command.add_option("--services", flags.services, "Its services, like 1-40,1064,2064")
      ->type_name("LIST")
      ->required();
  DeclareChange(command, flags.change, false);
}

int RunPackagePut(Session& session, const PackageFlags& flags) {
  const auto services = ParseServices(flags.services, "--services");
  if (!services) return session.FailUsage(services.error());
  v1::PutPackageRequest request;
  request.mutable_package()->set_package_id(flags.id);
  request.mutable_package()->set_name(flags.name);
  request.mutable_package()->set_province(flags.province);
  for (const uint32_t service : *services) request.mutable_package()->add_service_ids(service);
  return session.Change(&Schedule::PutPackage, request, flags.change,
                        [&](const v1::PutPackageResponse& answer) {
                          Table table = PackageTable();
                          AddPackage(answer.package(), table);
                          table.Print(session.out());
                        });
}

int RunPackageList(Session& session, const NoFlags& /*flags*/) {
  Table table = PackageTable();
  return session.List(&Schedule::ListPackages, v1::ListPackagesRequest(),
                      [&](const v1::ListPackagesResponse& answer) {
                        for (const v1::Package& package : answer.packages()) AddPackage(package, table);
                        table.Print(session.out());
                      });
}

}  // namespace

void AddScheduleCommands(Tree& tree) {
  tree.Noun("channel", "Channels (services) of the site");
  tree.Add<ImportFlags>(
      "channel", "import", "Creates or replaces channels",
      [](CLI::App& command, ImportFlags& flags) {
        DeclareImport(command, flags, "service_id,name,name_zh,kind,scope,province");
      },
      RunChannelImport);
  tree.Add<NoFlags>("channel", "list", "All channels", DeclareNothing, RunChannelList);
  tree.Noun("package", "Packages of channels, by province");
  tree.Add<PackageFlags>("package", "put", "Creates or replaces a package", DeclarePackage, RunPackagePut);
  tree.Add<NoFlags>("package", "list", "All packages", DeclareNothing, RunPackageList);
}

}  // namespace hearth::ctl
