// hearthctl survey: what is sent of a file, what happens when the connection breaks, what is printed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/survey/row.h"
#include "tests/ctl/fake_head_end.h"

namespace hearth::ctl {
namespace {

using ::testing::HasSubstr;

constexpr char kId[] = "0199bd5e-0000-7000-8000-000000000001";

// A head-end that keeps what it is sent; what it acknowledged stays when a call breaks.
struct Keeper {
  std::vector<v1::ImportSurveyHeader> headers;
  std::string rows;
  std::optional<v1::SurveyEnd> end;
  int break_after = -1;  // messages with rows of the first call, then it breaks
  bool finished = false;
  uint64_t wrong_sum = 0;

  grpc::Status Serve(FakeSurvey::Stream* stream) {
    v1::ImportSurveyRequest request;
    v1::ImportSurveyResponse answer;
    int messages = 0;
    while (stream->Read(&request)) {
      if (request.has_header()) {
        headers.push_back(request.header());
        answer.mutable_begun()->set_import_id(kId);
        answer.mutable_begun()->set_durable(rows.size() / survey::kRowBytes);
        answer.mutable_begun()->set_sum(survey::SumOf(AsBytes(rows)) + wrong_sum);
        answer.mutable_begun()->set_finished(finished);
        stream->Write(answer);
      } else if (request.has_rows()) {
        EXPECT_EQ(request.rows().offset() * survey::kRowBytes, rows.size());
        rows += request.rows().rows();
        answer.set_durable(rows.size() / survey::kRowBytes);
        stream->Write(answer);
        if (headers.size() == 1 && ++messages == break_after) return {grpc::StatusCode::UNAVAILABLE, "gone"};
      } else {
        end = request.end();
        answer.set_merged(5);
        stream->Write(answer);
        v1::SurveyImport& done = *answer.mutable_done();
        done.set_import_id(kId);
        done.set_stage(v1::SurveyImport::MERGED);
        done.set_source(headers.back().source());
        done.set_rows(rows.size() / survey::kRowBytes);
        done.set_rejected(end->rejected());
        done.set_fresh(done.rows());
        done.set_dry_run(headers.back().change().dry_run());
        stream->Write(answer);
        return grpc::Status::OK;
      }
    }
    return {grpc::StatusCode::CANCELLED, "the client went"};
  }
};

class SurveyTest : public testing::Test {
 protected:
  SurveyTest() {
    head_end_.survey.import = [this](FakeSurvey::Stream* stream) { return keeper_.Serve(stream); };
  }
  survey::Row RowAt(size_t index) const {
    return *survey::Unpack(AsBytes(keeper_.rows).subspan(index * survey::kRowBytes, survey::kRowBytes));
  }

  Keeper keeper_;
  FakeHeadEnd head_end_;
  TempDir dir_;
};

TEST_F(SurveyTest, SendsGoodRowsAndAccountsForTheOthers) {
  const std::string file =
      dir_.Write("cells.csv",
                 "radio,mcc,net,area,cell,unit,lon,lat,range,samples,changeable,created,updated\n"
                 "LTE,460,0,33301,26879745,66,106.35,38.55,1965,12,1,1,1787597497\n"
                 "5G,460,0,1,1\n"
                 "LTE,460,99,1,5\n"
                 "GSM,460,1,70000,5,,,,,,,,\n"
                 "CDMA,460,14224,2,2049,,,,,,,,\n");
  const Outcome outcome = RunAgainst(head_end_, {"survey", "import", file, "--source", "telco", "--rejects",
                                                 dir_.Path("rejects.csv"), "--reason", "survey 2026"});
  EXPECT_EQ(outcome.code, 1) << outcome.err;
  ASSERT_EQ(keeper_.headers.size(), 1U);
  const v1::ImportSurveyHeader& header = keeper_.headers[0];
  EXPECT_EQ(header.source(), v1::TELCO);
  EXPECT_EQ(header.file_name(), "cells.csv");
  EXPECT_GT(header.file_bytes(), 100U);
  EXPECT_EQ(header.fingerprint().size(), 32U);
  EXPECT_EQ(header.change().reason(), "survey 2026");
  ASSERT_EQ(keeper_.rows.size(), 3 * survey::kRowBytes);
  EXPECT_EQ(ToString(RowAt(0).cell), "lte:460:00:33301:26879745");
  EXPECT_EQ(RowAt(0).source, survey::Source::kTelco);
  EXPECT_EQ(RowAt(0).position,
            (geofence::Position{.latitude_e7 = 385'500'000, .longitude_e7 = 1'063'500'000}));
  EXPECT_EQ(RowAt(0).range_m, 1965U);
  EXPECT_EQ(RowAt(0).updated, 1787597497U);
  EXPECT_EQ(RowAt(1).position, std::nullopt);
  EXPECT_EQ(ToString(RowAt(2).cell), "cdma:460:03:2:" + std::to_string((14224 << 16) + 2049));
  EXPECT_EQ(keeper_.end->rejected(), 2U);

  EXPECT_EQ(dir_.Read("rejects.csv"),
            "line,field,reason,message,cure\n"
            "3,radio,ROW_FIELD_INVALID,\"\"\"5G\"\" is no radio\",\"one of GSM, UMTS, LTE, NR, CDMA\"\n"
            "5,area,ROW_FIELD_INVALID,\"needs a number from 0 to 65535, not \"\"70000\"\"\",\n");
  for (const char* text : {"CELL_UNKNOWN_NETWORK", "China Mobile", "China Telecom (CDMA)", "460-99",
                           "3 taken, 2 rejected", kId}) {
    EXPECT_THAT(outcome.out, HasSubstr(text));
  }
}

TEST_F(SurveyTest, GoesOnAfterABreak) {
  std::string text;
  for (int i = 0; i < 45'000; ++i) text += "LTE,460,0,33301," + std::to_string(i) + "\n";
  text += "LTE,460,0,33301,x\n";
  keeper_.break_after = 1;
  const Outcome outcome = RunAgainst(
      head_end_, {"survey", "import", dir_.Write("c.csv", text), "--rejects", dir_.Path("rejects.csv")});
  EXPECT_EQ(outcome.code, 1) << outcome.err;
  ASSERT_EQ(keeper_.headers.size(), 2U);
  EXPECT_EQ(keeper_.headers[0].fingerprint(), keeper_.headers[1].fingerprint());
  EXPECT_EQ(keeper_.headers[1].import_id(), kId);
  EXPECT_EQ(keeper_.rows.size(), 45'000 * survey::kRowBytes);
  EXPECT_EQ(RowAt(44'999).cell.cell, 44'999U);
  EXPECT_EQ(keeper_.end->rejected(), 1U);
  EXPECT_EQ(dir_.Read("rejects.csv").find("45001,cell"),
            std::string("line,field,reason,message,cure\n").size())
      << "each refused row once";
  EXPECT_THAT(outcome.err, HasSubstr("going on with import"));
}

TEST_F(SurveyTest, AnotherFileIsNotGoneOnWith) {
  keeper_.rows =
      std::string(AsChars(survey::Pack({.cell = {.radio = geofence::Radio::kLte, .mcc = 460}}).bytes));
  keeper_.wrong_sum = 1;
  Outcome outcome =
      RunAgainst(head_end_, {"survey", "import", dir_.Write("c.csv", "LTE,460,0,1,1\nLTE,460,0,1,2\n")});
  EXPECT_EQ(outcome.code, 5);
  EXPECT_THAT(outcome.err, HasSubstr("SURVEY_OFFSET"));
  EXPECT_FALSE(keeper_.end);
  // Shorter than what is there.
  keeper_.rows += keeper_.rows + keeper_.rows;
  outcome = RunAgainst(head_end_, {"survey", "import", dir_.Write("c.csv", "LTE,460,0,1,1\n")});
  EXPECT_EQ(outcome.code, 5);
  EXPECT_FALSE(keeper_.end);
}

TEST_F(SurveyTest, StdinGzipDryRunAndAsOf) {
  // printf 'LTE,460,0,33301,7\n' | gzip -n
  const Bytes gzip = *FromHex("1f8b08000000000002fff30971d5313133d031d03136363630d431e702008fcf0c5812000000");
  Surroundings input;
  input.input = std::string(AsChars(gzip));
  const Outcome outcome = RunAgainst(
      head_end_, {"survey", "import", "-", "--dry-run", "--as-of", "2026-01-01T00:00:00Z", "--json"}, input);
  EXPECT_EQ(outcome.code, 0) << outcome.err << outcome.out;
  EXPECT_TRUE(keeper_.headers[0].change().dry_run());
  EXPECT_EQ(keeper_.headers[0].source(), v1::CROWD);
  EXPECT_EQ(keeper_.headers[0].file_name(), "stdin");
  EXPECT_EQ(RowAt(0).updated, 1767225600U);
  EXPECT_THAT(outcome.out, HasSubstr("\"networks\":[{\"radio\":\"LTE\",\"network\":\"460-00\""));
}

TEST_F(SurveyTest, FailuresOnThisSide) {
  struct Case {
    const char* name;
    std::vector<std::string> args;
    int code;
    const char* text;
  };
  const Case cases[] = {
      {"no file", {"survey", "import", dir_.Path("none.csv")}, 5, "FILE_UNREADABLE"},
      {"a header that is none",
       {"survey", "import", dir_.Write("h.csv", "radio,mcc\n")},
       5,
       "HEADER_INVALID"},
      {"damaged gzip", {"survey", "import", dir_.Write("g.gz", "\x1f\x8b\x08 rest")}, 5, "FILE_UNREADABLE"},
      {"an id that is none",
       {"survey", "import", dir_.Write("c.csv", "LTE,460,0,1,1\n"), "--resume", "7"},
       2,
       "FIELD_INVALID"},
      {"an unknown source", {"survey", "import", dir_.Path("c.csv"), "--source", "rumour"}, 2, "rumour"},
  };
  for (const Case& c : cases) {
    const Outcome outcome = RunAgainst(head_end_, c.args);
    EXPECT_EQ(outcome.code, c.code) << c.name << outcome.err;
    EXPECT_THAT(outcome.err, HasSubstr(c.text)) << c.name;
  }
  EXPECT_FALSE(keeper_.end);
}

TEST_F(SurveyTest, ARefusalNamesTheImport) {
  head_end_.survey.import = [](FakeSurvey::Stream* stream) {
    v1::ImportSurveyRequest request;
    stream->Read(&request);
    return Refusal(Error(Reason::kSurveyBusy, "import x is being taken in"));
  };
  const Outcome outcome = RunAgainst(head_end_, {"survey", "import", dir_.Write("c.csv", "LTE,460,0,1,1\n")});
  EXPECT_EQ(outcome.code, 3);
  EXPECT_THAT(outcome.err, HasSubstr("SURVEY_BUSY"));
}

TEST_F(SurveyTest, ShowsWhatIsKnown) {
  head_end_.survey.get_cell = [](const v1::GetSurveyCellRequest& request,
                                 v1::GetSurveyCellResponse* response) {
    response->set_known(true);
    v1::SurveyCell& cell = *response->mutable_cell();
    cell.set_cell(request.cell());
    cell.set_source(v1::COLLECTOR);
    cell.set_has_position(true);
    cell.set_longitude(106.35);
    cell.set_latitude(38.55);
    response->add_lists()->set_kind(v1::BLACKLIST);
    response->mutable_lists(0)->set_list_id("640104001");
    return grpc::Status::OK;
  };
  Outcome outcome = RunAgainst(head_end_, {"survey", "cell", "lte:460:11:33301:7"});
  EXPECT_EQ(outcome.code, 0);
  for (const char* text : {"collector", "China Telecom", "106.3500000 38.5500000", "blacklist 640104001"}) {
    EXPECT_THAT(outcome.out, HasSubstr(text));
  }
  head_end_.survey.get_status = [](const v1::GetSurveyStatusRequest&, v1::GetSurveyStatusResponse* response) {
    response->set_cells(40'000'000);
    v1::SurveyNetwork& network = *response->add_networks();
    network.set_radio(v1::NR);
    network.set_network("460-15");
    network.set_source(v1::TELCO);
    network.set_cells(9);
    return grpc::Status::OK;
  };
  outcome = RunAgainst(head_end_, {"survey", "status"});
  for (const char* text : {"40000000", "NR", "460-15", "China Broadnet", "telco"}) {
    EXPECT_THAT(outcome.out, HasSubstr(text));
  }
  head_end_.survey.get_import = [](const v1::GetSurveyImportRequest& request,
                                   v1::GetSurveyImportResponse* response) {
    response->mutable_import()->set_import_id(request.import_id());
    response->mutable_import()->set_stage(v1::SurveyImport::RECEIVING);
    response->mutable_import()->set_source(v1::TELCO);
    return grpc::Status::OK;
  };
  outcome = RunAgainst(head_end_, {"survey", "show", kId});
  EXPECT_THAT(outcome.out, HasSubstr(std::string("--source telco --resume ") + kId));
  head_end_.survey.list_imports = [](const v1::ListSurveyImportsRequest&,
                                     v1::ListSurveyImportsResponse* response) {
    response->add_imports()->set_import_id(kId);
    return grpc::Status::OK;
  };
  EXPECT_THAT(RunAgainst(head_end_, {"survey", "list"}).out, HasSubstr(kId));
  std::string aborted;
  head_end_.survey.abort_import = [&](const v1::AbortSurveyImportRequest& request,
                                      v1::AbortSurveyImportResponse*) {
    aborted = request.import_id();
    return grpc::Status::OK;
  };
  EXPECT_EQ(RunAgainst(head_end_, {"survey", "abort", kId}).code, 0);
  EXPECT_EQ(aborted, kId);
}

}  // namespace
}  // namespace hearth::ctl
