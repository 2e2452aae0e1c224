// The command line as a door: each row is something a person may type, with what comes of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/ctl/fake_head_end.h"
#include "tools/ctl/failure.h"

namespace hearth::ctl {
namespace {

using ::testing::HasSubstr;

struct Row {
  const char* name;
  std::vector<std::string> args;
  int code;
  const char* part;  // of what is printed
};

const Row kRows[] = {
    {"nothing", {}, kExitUsage, "FIELD_MISSING"},
    {"unknown noun", {"acount"}, kExitUsage, "unknown command: acount"},
    {"unknown verb", {"account", "opne"}, kExitUsage, "unknown command: opne"},
    {"noun alone", {"account"}, kExitUsage, "See hearthctl account --help"},
    {"unknown option", {"status", "--colour"}, kExitUsage, "--colour"},
    {"too many arguments", {"audit", "site", "site"}, kExitUsage, "FIELD_INVALID"},
    {"option without value", {"account", "show", "--form"}, kExitUsage, "--form"},
    {"show by nothing", {"account", "show"}, kExitUsage, "FIELD_MISSING"},
    {"show by two",
     {"account", "show", "--form", "A", "--card", "640000000001"},
     kExitUsage,
     "FIELD_INVALID"},
    {"card too short", {"account", "show", "--card", "64000000001"}, kExitUsage, "12 digits"},
    {"card with letters", {"why", "--card", "64000000000x"}, kExitUsage, "12 digits"},
    {"card with full-width digits", {"why", "--card", "64000000000\uFF11"}, kExitUsage, "12 digits"},
    {"box too long", {"why", "--box", "06400000000000001"}, kExitUsage, "16 digits"},
    {"sim with 10 digits", {"why", "--sim", "1390000000"}, kExitUsage, "11 digits"},
    {"region of 5 digits", {"account", "list", "--region", "64012"}, kExitUsage, "--region"},
    {"area serial 000", {"area", "show", "640122000"}, kExitUsage, "FIELD_INVALID"},
    {"swap without device", {"device", "swap", "NX-1", "--reason", "x"}, kExitUsage, "FIELD_MISSING"},
    {"swap without reason", {"device", "swap", "NX-1", "--card", "640000000001"}, kExitUsage, "--reason"},
    {"close without reason", {"account", "close", "NX-1"}, kExitUsage, "--reason"},
    {"lift without reason", {"intervention", "lift", "640000000001"}, kExitUsage, "--reason"},
    {"clock without reason", {"clock", "accept"}, kExitUsage, "--reason"},
    {"person id with a wrong check digit",
     {"account", "open", "--form-number", "A", "--name", "x", "--person-id", "110105194912310021",
      "--village", "640122100201", "--card", "640000000001", "--box", "0640000000000001", "--sim",
      "13900000001"},
     kExitUsage,
     "GB 11643"},
    {"unknown class", {"account", "open", "--class", "rich"}, kExitUsage, "--class"},
    {"cells into no list", {"cells", "import", "f"}, kExitUsage, "FIELD_MISSING"},
    {"cells into two lists",
     {"cells", "import", "f", "--area", "640122001", "--blacklist", "640104001"},
     kExitUsage,
     "FIELD_INVALID"},
    {"stock without files", {"stock", "import"}, kExitUsage, "--cards"},
    {"service list upside down",
     {"package", "put", "--id", "1", "--name", "x", "--province", "64", "--services", "5-1"},
     kExitUsage,
     "--services"},
    {"package 0",
     {"package", "put", "--id", "0", "--name", "x", "--province", "64", "--services", "1"},
     kExitUsage,
     "--id"},
    {"control word no hex",
     {"ecm", "issue", "--channel", "a", "--cp", "1", "--cw", "xyz"},
     kExitUsage,
     "--cw"},
    {"cp too large", {"ecm", "issue", "--channel", "a", "--cp", "65536", "--cw", "00"}, kExitUsage, "--cp"},
    {"no channel", {"ecm", "issue", "--cp", "1", "--cw", "00"}, kExitUsage, "FIELD_MISSING"},
    {"request id of version 4",
     {"card", "refresh", "640000000001", "--request-id", "3b241101-e2bb-4255-8caf-4136c566a962"},
     kExitUsage,
     "REQUEST_ID_INVALID"},
    {"timeout 0", {"status", "--timeout", "0"}, kExitUsage, "--timeout"},
    {"timeout in words", {"status", "--timeout", "soon"}, kExitUsage, "--timeout"},
    {"server and port file", {"status", "--server", "a:1", "--port-file", "f"}, kExitUsage, "--port-file"},
    {"unknown reason", {"reason", "NO_SUCH"}, kExitUsage, "FIELD_INVALID"},
    {"unknown shell", {"completion", "fish"}, kExitUsage, "fish"},
    {"report without anything", {"location", "report"}, kExitUsage, "FIELD_MISSING"},
    {"report with a bad time",
     {"location", "report", "--card", "640000000001", "--time", "yesterday"},
     kExitUsage,
     "--time"},
    {"report with a bad signal",
     {"location", "report", "--card", "640000000001", "--cell", "lte:460:00:1:2@loud"},
     kExitUsage,
     "--cell"},
    {"report with a bad mac",
     {"location", "report", "--card", "640000000001", "--mac", "0"},
     kExitUsage,
     "--mac"},
    {"report from file and flags",
     {"location", "report", "--file", "-", "--card", "640000000001"},
     kExitUsage,
     "--file"},
    {"watch for no time", {"intervention", "watch", "--for", "0"}, kExitUsage, "--for"},
    {"roster that is not there", {"roster", "import", "/no/such/file"}, kExitBadFile, "FILE_UNREADABLE"},
    {"roster that is a directory", {"roster", "import", "/"}, kExitBadFile, "FILE_UNREADABLE"},
    {"stock that is not there",
     {"stock", "import", "--cards", "/no/such/file"},
     kExitBadFile,
     "FILE_UNREADABLE"},
    {"report file that is not there",
     {"location", "report", "--file", "/no/such/file"},
     kExitBadFile,
     "FILE_UNREADABLE"},
    {"nothing on the standard input", {"location", "report", "--file", "-"}, kExitBadFile, "FIELD_MISSING"},
};

TEST(BadInput, IsRefusedAtTheDoor) {
  const FakeHeadEnd head_end;  // would answer UNIMPLEMENTED, exit 3
  for (const Row& row : kRows) {
    const Outcome outcome = RunAgainst(head_end, row.args);
    EXPECT_EQ(outcome.code, row.code) << row.name;
    EXPECT_THAT(outcome.err, HasSubstr(row.part)) << row.name;
    EXPECT_THAT(outcome.err, HasSubstr("error: ")) << row.name;
    EXPECT_EQ(outcome.out, "") << row.name;
  }
}

TEST(BadInput, IsRefusedAsOneJsonObjectToo) {
  const FakeHeadEnd head_end;
  for (const Row& row : kRows) {
    auto args = row.args;
    args.insert(args.begin(), "--json");
    const Outcome outcome = RunAgainst(head_end, args);
    EXPECT_EQ(outcome.code, row.code) << row.name;
    EXPECT_THAT(outcome.out, ::testing::StartsWith("{\"error\":{\"code\":")) << row.name;
    EXPECT_EQ(outcome.err, "") << row.name;
  }
}

TEST(BadInput, ConnectionSettings) {
  const TempDir dir;
  struct Setting {
    const char* name;
    std::vector<std::string> args;
    std::map<std::string, std::string> env;
    int code;
    const char* part;
  };
  const Setting settings[] = {
      {"neither TLS nor insecure", {"status"}, {}, kExitUsage, "--ca"},
      {"CA that is not there", {"status", "--ca", "/no/such/file"}, {}, kExitBadFile, "FILE_UNREADABLE"},
      {"certificate without key",
       {"status", "--ca", dir.Write("ca", "x"), "--cert", dir.Write("cert", "x")},
       {},
       kExitUsage,
       "--key"},
      {"port file that is not there",
       {"status", "--insecure"},
       {{"HEARTH_PORT_FILE", "/no/such/file"}},
       kExitBadFile,
       "FILE_UNREADABLE"},
      {"port file without grpc",
       {"status", "--insecure", "--port-file", dir.Write("ports", "{\"metrics\":\"127.0.0.1:1\"}")},
       {},
       kExitBadFile,
       "\"grpc\""},
      {"port file that is no JSON",
       {"status", "--insecure", "--port-file", dir.Write("no-json", "127.0.0.1:1")},
       {},
       kExitBadFile,
       "\"grpc\""},
  };
  for (const Setting& setting : settings) {
    const Outcome outcome = RunHearthctl(setting.args, {.input = "", .terminal = false, .env = setting.env});
    EXPECT_EQ(outcome.code, setting.code) << setting.name;
    EXPECT_THAT(outcome.err, HasSubstr(setting.part)) << setting.name;
  }
}

}  // namespace
}  // namespace hearth::ctl
