// Files of rows: bad rows by line, good rows kept, chunks, retries under the same request id.
#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include "src/base/ids.h"
#include "tests/ctl/fake_head_end.h"
#include "tools/ctl/failure.h"

namespace hearth::ctl {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using namespace std::chrono_literals;

constexpr const char* kHeader =
    "form_number,name,person_id,phone,village,address,class,card_number,box_serial,sim_number\n";

// An identity number of GB 11643 that belongs to row `n`.
std::string PersonId(int n) {
  const std::string digits = fmt::format("64010419700101{:03}", n);
  for (const char check : std::string("0123456789X")) {
    if (CheckPersonId(digits + check)) return digits + check;
  }
  return "";
}

// `n` below 1000.
std::string RosterLine(int n) {
  return fmt::format(
      "NX-{0},张三,{1},,640122100201,,五保户,64000000{0:04},064000000000{0:04},1390000{0:04}\n", n,
      PersonId(n));
}

v1::RowResult Result(uint64_t line, v1::RowResult::Outcome outcome) {
  v1::RowResult row;
  row.set_line(line);
  row.set_outcome(outcome);
  return row;
}

// Line 3 is bad here, line 5 there; line 4 existed.
struct MixedRoster {
  MixedRoster() {
    std::string bad = RosterLine(2);
    bad.replace(bad.find("640000000002"), 12, "64000000000");
    roster = dir.Write("roster.csv", kHeader + RosterLine(1) + bad + RosterLine(3) + RosterLine(4));
    head_end.registry.import_roster = [this](const v1::ImportRosterRequest& request,
                                             v1::ImportRowsResponse* response) {
      requests.push_back(request);
      *response->add_rows() = Result(2, v1::RowResult::DONE);
      *response->add_rows() = Result(4, v1::RowResult::EXISTED);
      auto* refused = response->add_rows();
      *refused = Result(5, v1::RowResult::REFUSED);
      refused->set_reason("PERSON_IN_USE");
      refused->set_field("form.person.person_id");
      refused->set_message("the person has account NX-0");
      refused->set_cure("Close the other account.");
      return grpc::Status::OK;
    };
  }

  TempDir dir;
  FakeHeadEnd head_end;
  std::string roster;
  std::vector<v1::ImportRosterRequest> requests;
};

TEST(Rows, BadRowsAreReportedByLineAndGoodRowsAreSent) {
  MixedRoster test;
  const Outcome outcome = RunAgainst(test.head_end, {"roster", "import", test.roster});
  EXPECT_EQ(outcome.code, kExitRowsRefused) << outcome.err;
  ASSERT_EQ(test.requests.size(), 1U);
  ASSERT_EQ(test.requests[0].rows_size(), 3);
  EXPECT_EQ(test.requests[0].rows(0).form().person().subsidy_class(), v1::Person::FIVE_GUARANTEE);
  EXPECT_EQ(test.requests[0].rows(0).form().person().name(), "张三");
  EXPECT_EQ(test.requests[0].rows(1).line(), 4U);
  EXPECT_FALSE(test.requests[0].change().dry_run());
  EXPECT_THAT(outcome.out, HasSubstr("   3  card_number "));
  EXPECT_THAT(outcome.out, HasSubstr("ROW_FIELD_INVALID"));
  EXPECT_THAT(outcome.out, HasSubstr("   5  form.person.person_id  PERSON_IN_USE"));
  EXPECT_THAT(outcome.out, HasSubstr("Close the other account."));
  EXPECT_THAT(outcome.out, HasSubstr("\n1 done, 1 existed, 2 refused\n"));
}

TEST(Rows, TheSameAsJsonAndAsAFileOfRejects) {
  MixedRoster test;
  const Outcome outcome = RunAgainst(
      test.head_end, {"roster", "import", test.roster, "--json", "--rejects", test.dir.Path("rejects.csv")});
  EXPECT_EQ(outcome.code, kExitRowsRefused);
  EXPECT_THAT(outcome.out, HasSubstr(R"({"done":1,"existed":1,"refused":2,"rows":[)"));
  EXPECT_THAT(outcome.out, HasSubstr(R"({"line":"5","outcome":"REFUSED","reason":"PERSON_IN_USE")"));
  EXPECT_THAT(test.dir.Read("rejects.csv"),
              HasSubstr("\n,5,form.person.person_id,PERSON_IN_USE,the person has account NX-0,"));
  EXPECT_THAT(test.dir.Read("rejects.csv"), HasSubstr("\n,3,card_number,ROW_FIELD_INVALID,"));
}

TEST(Rows, DryRunSaysSo) {
  MixedRoster test;
  const Outcome outcome = RunAgainst(test.head_end, {"roster", "import", test.roster, "--dry-run"});
  ASSERT_EQ(test.requests.size(), 1U);
  EXPECT_TRUE(test.requests[0].change().dry_run());
  EXPECT_THAT(outcome.out, HasSubstr("dry run, nothing was changed: 1 done"));
}

// 2,500 rows in three chunks; the second one fails twice before it is taken.
struct LongStock {
  LongStock() {
    std::string cards = "card_number,batch\n";
    for (int i = 1; i <= 2500; ++i) cards += fmt::format("64000000{:04},1\n", i);
    path = dir.Write("cards.csv", cards);
    head_end.registry.import_stock = [this](const v1::ImportStockRequest& request,
                                            v1::ImportRowsResponse* response) {
      ids.push_back(request.change().request_id());
      if (request.rows(0).card().card_number() == "640000001001" && failures > 0) {
        --failures;
        return failure;
      }
      rows += request.rows_size();
      for (const auto& row : request.rows()) *response->add_rows() = Result(row.line(), v1::RowResult::DONE);
      return grpc::Status::OK;
    };
  }

  TempDir dir;
  FakeHeadEnd head_end;
  std::string path;
  int failures = 0;
  grpc::Status failure{grpc::StatusCode::UNAVAILABLE, "restarting"};
  std::vector<std::string> ids;
  int rows = 0;
};

TEST(Rows, AChunkIsRepeatedUnderItsRequestIdWhileTheHeadEndIsAway) {
  LongStock test;
  test.failures = 2;
  const Outcome outcome = RunAgainst(test.head_end, {"stock", "import", "--cards", test.path});
  EXPECT_EQ(outcome.code, kExitOk) << outcome.err;
  EXPECT_EQ(test.rows, 2500);
  ASSERT_EQ(test.ids.size(), 5U);
  EXPECT_EQ(test.ids[1], test.ids[2]);
  EXPECT_EQ(test.ids[2], test.ids[3]);
  EXPECT_EQ(std::set<std::string>(test.ids.begin(), test.ids.end()).size(), 3U);
  EXPECT_THAT(outcome.sleeps, ElementsAre(100ms, 200ms));
  EXPECT_THAT(outcome.err,
              HasSubstr("try 1 of 5 failed (UNAVAILABLE: restarting); again with the same request "
                        "id in 100 ms"));
  EXPECT_THAT(outcome.out, HasSubstr("2500 done, 0 existed, 0 refused"));
}

TEST(Rows, OverloadIsRetriedALimitIsNot) {
  LongStock test;
  test.failures = 1;
  test.failure = Refusal(Error(Reason::kOverloaded, "4096 requests in flight"));
  EXPECT_EQ(RunAgainst(test.head_end, {"stock", "import", "--cards", test.path}).code, kExitOk);
  EXPECT_EQ(test.rows, 2500);

  test.failures = 1;
  test.failure = Refusal(Error(Reason::kLimitExceeded, "1000 rows at most"));
  const Outcome outcome = RunAgainst(test.head_end, {"stock", "import", "--cards", test.path});
  EXPECT_EQ(outcome.code, kExitRefused);
  EXPECT_TRUE(outcome.sleeps.empty());
}

TEST(Rows, AfterFiveTriesItStopsAndTellsHowToGoOn) {
  LongStock test;
  test.failures = 5;
  const std::vector<std::string> args = {"stock", "import", "--cards", test.path, "--json"};
  const Outcome outcome = RunAgainst(test.head_end, args);
  EXPECT_EQ(outcome.code, kExitUnreachable);
  EXPECT_THAT(outcome.sleeps, ElementsAre(100ms, 200ms, 400ms, 800ms));
  EXPECT_THAT(outcome.out, HasSubstr("(1500 of 2500 cards were not sent)"));
  EXPECT_THAT(outcome.out, HasSubstr("repeat with --request-id " + test.ids[0]));
  EXPECT_THAT(outcome.out, HasSubstr(R"(,"done":1000,"existed":0,"refused":0,"rows":[]})"));

  // The repeat has the same ids, chunk by chunk.
  const auto first_ids = test.ids;
  test.ids.clear();
  auto again = args;
  again.insert(again.end(), {"--request-id", first_ids[0]});
  EXPECT_EQ(RunAgainst(test.head_end, again).code, kExitOk);
  EXPECT_EQ(test.ids[0], first_ids[0]);
  EXPECT_EQ(test.ids[1], first_ids[1]);
}

TEST(Rows, AWrongFileSendsNothing) {
  struct Row {
    const char* name;
    std::vector<std::string> command;
    const char* content;
    int code;
    const char* reason;
  };
  const Row rows[] = {
      {"roster without header", {"roster", "import"}, "NX-1,a\n", kExitBadFile, "HEADER_INVALID"},
      {"empty roster", {"roster", "import"}, "", kExitBadFile, "HEADER_INVALID"},
      {"regions with a strange column",
       {"region", "import"},
       "code,name,colour\n",
       kExitBadFile,
       "HEADER_INVALID"},
      {"channels without names", {"channel", "import"}, "service_id\n1\n", kExitBadFile, "HEADER_INVALID"},
      {"batches without key",
       {"batch", "import"},
       "batch,first_card,last_card\n",
       kExitBadFile,
       "HEADER_INVALID"},
      {"villages with a bad code",
       {"area", "create", "640122001", "--name", "x", "--villages-file"},
       "village\n640122100201\n64012\n",
       kExitBadFile,
       "ROW_FIELD_INVALID"},
      {"cells all bad",
       {"cells", "import", "--area", "640122001"},
       "LTE,460,0,x,1,1,1,1,1,1,1,1,1,1\n",
       kExitBadFile,
       "ROW_FIELD_INVALID"},
  };
  const FakeHeadEnd head_end;  // answers UNIMPLEMENTED, exit 3, to whatever is sent
  const TempDir dir;
  for (const Row& row : rows) {
    auto args = row.command;
    args.push_back(dir.Write("file.csv", row.content));
    const Outcome outcome = RunAgainst(head_end, args);
    EXPECT_EQ(outcome.code, row.code) << row.name << outcome.err;
    EXPECT_THAT(outcome.out + outcome.err, HasSubstr(row.reason)) << row.name;
  }
}

TEST(Rows, BatchesAreCallsOfTheirOwnAndKeysAreNeverPrinted) {
  const TempDir dir;
  FakeHeadEnd head_end;
  std::vector<v1::ImportBatchRequest> requests;
  head_end.registry.import_batch = [&](const v1::ImportBatchRequest& request, auto*) {
    requests.push_back(request);
    return request.batch() == 2 ? Refusal(Error(Reason::kBatchExists, "batch 2 is there with another range"))
                                : grpc::Status::OK;
  };
  const std::string path = dir.Write("batches.csv",
                                     "batch,first_card,last_card,master_key\n"
                                     "1,640000000001,640000000100,000102030405060708090a0b0c0d0e0f\n"
                                     "2,640000000101,640000000200,101112131415161718191a1b1c1d1e1f\n"
                                     "3,640000000201,640000000300,deadbeefdeadbeef\n");
  const Outcome outcome = RunAgainst(head_end, {"batch", "import", path});
  EXPECT_EQ(outcome.code, kExitRowsRefused);
  ASSERT_EQ(requests.size(), 2U);
  EXPECT_EQ(requests[0].master_key().size(), 16U);
  EXPECT_NE(requests[0].change().request_id(), requests[1].change().request_id());
  EXPECT_THAT(outcome.out, HasSubstr("BATCH_EXISTS"));
  EXPECT_THAT(outcome.out, HasSubstr("master_key"));
  EXPECT_THAT(outcome.out, HasSubstr("1 done, 0 existed, 2 refused"));
  EXPECT_THAT(outcome.out + outcome.err, Not(HasSubstr("deadbeef")));
}

TEST(Rows, ChannelsOfTheSiteAreReadAsTheyAreShipped) {
  FakeHeadEnd head_end;
  std::vector<v1::Channel> channels;
  head_end.schedule.import_channels = [&](const v1::ImportChannelsRequest& request,
                                          v1::ImportChannelsResponse* response) {
    for (const auto& row : request.rows()) {
      channels.push_back(row.channel());
      *response->add_rows() = Result(row.line(), v1::RowResult::DONE);
    }
    return grpc::Status::OK;
  };
  const Outcome outcome = RunAgainst(
      head_end, {"channel", "import", std::string(HEARTH_SOURCE_DIR) + "/deploy/data/channels-huhutong.csv"});
  EXPECT_EQ(outcome.code, kExitOk) << outcome.out << outcome.err;
  ASSERT_EQ(channels.size(), 42U);
  EXPECT_EQ(channels[0].name(), "CCTV-1");
  EXPECT_EQ(channels[0].kind(), v1::Channel::TV);
  EXPECT_EQ(
      std::count_if(channels.begin(), channels.end(), [](const auto& c) { return c.province() == "64"; }), 2);
}

TEST(Rows, RegionsAreSentParentsFirst) {
  const TempDir dir;
  FakeHeadEnd head_end;
  std::vector<std::string> codes;
  head_end.geofence.import_regions = [&](const v1::ImportRegionsRequest& request,
                                         v1::ImportRegionsResponse* response) {
    for (const auto& row : request.rows()) {
      codes.push_back(row.region().code());
      *response->add_rows() = Result(row.line(), v1::RowResult::DONE);
    }
    return grpc::Status::OK;
  };
  const std::string path = dir.Write("regions.csv",
                                     "code,name,parent,level\n6401,银川市,64,prefecture\n"
                                     "640122,贺兰县,6401,county\n64,宁夏,,province\n");
  EXPECT_EQ(RunAgainst(head_end, {"region", "import", path}).code, kExitOk);
  EXPECT_THAT(codes, ElementsAre("64", "6401", "640122"));
}

// --- cells ---

constexpr const char* kCells =
    "radio,mcc,net,area,cell,unit,lon,lat,range,samples,changeable,created,updated,averageSignal\n"
    "LTE,460,0,33301,26879745,78,106.372859,38.559456,1966,191,1,1757388447,1790000000,-105\n"
    "GSM,460,1,4101,x,0,106.3,38.5,100,1,1,1757388447,1790000000,-90\n"
    "GSM,460,1,4101,777,0,106.3,38.5,100,1,1,1757388447,1790000000,-90\n";

struct CellImport {
  CellImport() {
    path = dir.Write("cells.csv", kCells);
    head_end.geofence.put_cell_list = [this](const v1::PutCellListHeader& header,
                                             const std::vector<std::string>& sent,
                                             v1::PutCellListResponse* response) {
      headers.push_back(header);
      cells = sent;
      response->set_version(3);
      response->set_cells(2);
      response->set_added(1);
      response->set_removed(7);
      response->set_kept(1);
      response->mutable_changed()->set_revision_token("r1.abc");
      return grpc::Status::OK;
    };
  }

  TempDir dir;
  FakeHeadEnd head_end;
  std::string path;
  std::vector<v1::PutCellListHeader> headers;
  std::vector<std::string> cells;
};

TEST(Rows, CellsAreSentInTextFormAndTheDiffIsPrinted) {
  CellImport test;
  const Outcome outcome = RunAgainst(test.head_end, {"cells", "import", test.path, "--area", "640122001",
                                                     "--reason", "survey", "--name", "贺兰"});
  EXPECT_EQ(outcome.code, kExitRowsRefused) << outcome.err;
  ASSERT_EQ(test.headers.size(), 1U);  // nobody sits there: nothing is asked, no dry run before
  EXPECT_EQ(test.headers[0].kind(), v1::WHITELIST);
  EXPECT_EQ(test.headers[0].list_id(), "640122001");
  EXPECT_EQ(test.headers[0].change().reason(), "survey");
  EXPECT_THAT(test.cells, ElementsAre("lte:460:00:33301:26879745", "gsm:460:01:4101:777"));
  EXPECT_THAT(outcome.out,
              HasSubstr("the whitelist of area 640122001 now has: version 3, 2 cells: 1 added, 7 "
                        "removed, 1 kept"));
  EXPECT_THAT(outcome.out, HasSubstr("token r1.abc"));
  EXPECT_THAT(outcome.out, HasSubstr("   3  cell "));
  EXPECT_THAT(outcome.out, HasSubstr("2 done, 0 existed, 1 refused"));
}

TEST(Rows, AListThatDarkensSomebodyIsARolloutAndSaysSo) {
  CellImport test;
  const std::vector<std::string> args = {"cells", "import", test.path, "--area", "640122001"};
  const auto put = test.head_end.geofence.put_cell_list;
  for (const bool in_force : {false, true}) {
    test.head_end.geofence.put_cell_list = [&put, in_force](const v1::PutCellListHeader& header,
                                                            const auto& sent,
                                                            v1::PutCellListResponse* response) {
      response->set_rollout(12);
      response->set_in_force(in_force);
      return put(header, sent, response);
    };
    const Outcome outcome = RunAgainst(test.head_end, args);
    const auto waits = AllOf(HasSubstr("would have: version 3"), HasSubstr("nothing is in force yet"),
                             HasSubstr("next: hearthctl rollout show 12"));
    const auto holds = AllOf(HasSubstr("now has: version 3"), Not(HasSubstr("rollout show")));
    if (in_force) {
      EXPECT_THAT(outcome.out, holds);
    } else {
      EXPECT_THAT(outcome.out, waits);
    }
  }
}

TEST(Rows, TheDiffOfCellsIsInTheJsonObject) {
  CellImport test;
  const Outcome outcome =
      RunAgainst(test.head_end, {"cells", "import", test.path, "--area", "640122001", "--json"});
  google::protobuf::Struct object;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(outcome.out, &object).ok()) << outcome.out;
  EXPECT_EQ(object.fields().at("version").number_value(), 3);
  EXPECT_EQ(object.fields().at("removed").number_value(), 7);
  EXPECT_EQ(object.fields().at("done").number_value(), 2);
  EXPECT_EQ(object.fields().at("rows").list_value().values_size(), 1);
}

TEST(Rows, OnATerminalTheDiffComesBeforeTheQuestion) {
  struct Row {
    const char* name;
    const char* answer;
    int code;
    size_t calls;
  };
  const Row rows[] = {{"no", "n\n", kExitUsage, 1},
                      {"nothing typed", "", kExitUsage, 1},
                      {"yes", "y\n", kExitRowsRefused, 2}};
  for (const Row& row : rows) {
    CellImport test;
    const Outcome outcome =
        RunAgainst(test.head_end, {"cells", "import", test.path, "--blacklist", "640104001"},
                   {.input = row.answer, .terminal = true, .env = {}});
    EXPECT_EQ(outcome.code, row.code) << row.name;
    ASSERT_EQ(test.headers.size(), row.calls) << row.name;
    EXPECT_TRUE(test.headers[0].change().dry_run()) << row.name;
    EXPECT_EQ(test.headers[0].kind(), v1::BLACKLIST) << row.name;
    EXPECT_FALSE(row.calls == 2 && test.headers[1].change().dry_run()) << row.name;
    EXPECT_THAT(outcome.out, HasSubstr("blacklist 640104001 would have: version 3")) << row.name;
    EXPECT_THAT(outcome.err, HasSubstr("1 rows of the file are refused")) << row.name;
  }
}

}  // namespace
}  // namespace hearth::ctl
