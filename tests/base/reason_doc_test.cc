// docs/reason-codes.md is printed from the table in src/base/reason.cc; this test keeps the two the same.
// To write the page anew: HEARTH_UPDATE_GOLDEN=1 ctest --test-dir build/release -R '^base\.ReasonDoc'

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "src/base/reason.h"

namespace hearth {
namespace {

// The blocks of numbers in reason.h.
std::string_view Heading(Reason reason) {
  switch (static_cast<uint16_t>(reason) / 100) {
    case 0:
      return "Requests as such";
    case 1:
      return "Registry";
    case 2:
      return "Regions, areas and lists";
    case 3:
      return "Schedule and entitlement";
    case 4:
      return "Location and intervention";
    case 5:
      return "Rows of files";
    case 6:
      return "Configuration";
    case 7:
      return "Bytes on the air";
    case 8:
      return "Keys";
    default:
      return "Store and site";
  }
}

std::string Page() {
  std::string page =
      "# Reason codes\n"
      "\n"
      "Every refusal carries one of these: over gRPC as `reason` of `google.rpc.ErrorInfo` (domain "
      "`hearth`), in\n"
      "row reports and logs by name. Names are stable: they are never changed or used again. Programs match "
      "on\n"
      "the name, never on the message. `viewer` is the code on the viewer's screen that it belongs to.\n"
      "\n"
      "This page is printed from `src/base/reason.cc` and a test compares the two. After a change there, "
      "write it\n"
      "anew: `HEARTH_UPDATE_GOLDEN=1 ctest --test-dir build/release -R '^base\\.ReasonDoc'`.\n";
  std::string_view heading;
  for (const ReasonInfo& info : AllReasons()) {
    if (Heading(info.reason) != heading) {
      heading = Heading(info.reason);
      page += fmt::format("\n## {}\n\n| reason | gRPC code | viewer | what to do |\n|---|---|---|---|\n",
                          heading);
    }
    page += fmt::format("| `{}` | `{}` | {} | {} |\n", info.name, NameOf(info.code), info.viewer, info.cure);
  }
  return page;
}

TEST(ReasonDoc, IsThePrintedTable) {
  const std::string path = HEARTH_SOURCE_DIR "/docs/reason-codes.md";
  const char* update = std::getenv("HEARTH_UPDATE_GOLDEN");
  if (update != nullptr && std::string_view(update) == "1") std::ofstream(path) << Page();
  std::ifstream in(path);
  const std::string kept(std::istreambuf_iterator<char>(in), {});
  EXPECT_EQ(kept, Page())
      << "cure: HEARTH_UPDATE_GOLDEN=1 ctest --test-dir build/release -R '^base\\.ReasonDoc'";
}

TEST(ReasonDoc, TheTableIsSortedByNumberAndFitsIt) {
  Reason last{};
  for (const ReasonInfo& info : AllReasons()) {
    EXPECT_LT(last, info.reason) << info.name;
    EXPECT_EQ(info.cure.find('|'), std::string_view::npos) << info.name;
    last = info.reason;
  }
}

}  // namespace
}  // namespace hearth
