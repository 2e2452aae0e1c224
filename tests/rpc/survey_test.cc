// The register of cells through its service: streams that break, what is refused, what is answered.
#include <gmock/gmock.h>

#include "src/survey/row.h"
#include "tests/rpc/fixture.h"

namespace hearth::rpc {
namespace {

using grpc::StatusCode;
using Stub = v1::SurveyService::Stub;

class SurveyServiceTest : public ServerTest {
 protected:
  using Stream = grpc::ClientReaderWriter<v1::ImportSurveyRequest, v1::ImportSurveyResponse>;

  static std::string RowBytes(uint64_t cell, survey::Source source = survey::Source::kTelco,
                              double longitude = 106.35, double latitude = 38.55) {
    survey::Row row{
        .cell = {.radio = geofence::Radio::kLte, .mcc = 460, .mnc = 0, .area = 33301, .cell = cell},
        .source = source};
    row.position = geofence::Position{.latitude_e7 = static_cast<int32_t>(latitude * 1e7),
                                      .longitude_e7 = static_cast<int32_t>(longitude * 1e7)};
    row.range_m = 1500;
    row.updated = 1'700'000'000;
    return std::string(AsChars(survey::Pack(row).bytes));
  }
  std::unique_ptr<Stream> Open(grpc::ClientContext& context) const {
    context.AddMetadata("hearth-actor", "wang");
    return client_->survey->Import(&context);
  }
  v1::ImportSurveyRequest Header(const std::string& id) const {
    v1::ImportSurveyRequest request;
    v1::ImportSurveyHeader& header = *request.mutable_header();
    header.set_import_id(id);
    header.set_source(v1::TELCO);
    header.set_file_name("cells.csv");
    return request;
  }
  static v1::ImportSurveyRequest Rows(uint64_t offset, const std::string& rows) {
    v1::ImportSurveyRequest request;
    request.mutable_rows()->set_offset(offset);
    request.mutable_rows()->set_rows(rows);
    return request;
  }
  static v1::ImportSurveyRequest End(uint64_t rejected) {
    v1::ImportSurveyRequest request;
    request.mutable_end()->set_rejected(rejected);
    return request;
  }
  // All requests, then what the head-end answers.
  grpc::Status Send(const std::vector<v1::ImportSurveyRequest>& requests,
                    std::vector<v1::ImportSurveyResponse>* answers = nullptr) const {
    grpc::ClientContext context;
    const auto stream = Open(context);
    for (const auto& request : requests) stream->Write(request);
    stream->WritesDone();
    v1::ImportSurveyResponse answer;
    while (stream->Read(&answer)) {
      if (answers != nullptr) answers->push_back(answer);
    }
    return stream->Finish();
  }
  v1::GetSurveyStatusResponse Status() const {
    v1::GetSurveyStatusResponse out;
    EXPECT_TRUE(Client::Call(*client_->survey, &Stub::GetStatus, v1::GetSurveyStatusRequest(), &out).ok());
    return out;
  }
};

TEST_F(SurveyServiceTest, TakesCellsAndTellsWhatIsKnown) {
  SetUpSite();
  EXPECT_EQ(Status().cells(), 0U);
  EXPECT_EQ(Status().generation(), 0U);
  const std::string id = NewRequestId();
  std::vector<v1::ImportSurveyResponse> answers;
  ASSERT_TRUE(
      Send({Header(id), Rows(0, RowBytes(26879745) + RowBytes(7)), Rows(2, RowBytes(7)), End(4)}, &answers)
          .ok());
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_EQ(answers[0].begun().import_id(), id);
  EXPECT_EQ(answers[0].begun().durable(), 0U);
  const v1::SurveyImport& done = answers[1].done();
  EXPECT_EQ(done.stage(), v1::SurveyImport::MERGED);
  EXPECT_EQ(done.rows(), 3U);
  EXPECT_EQ(done.rejected(), 4U);
  EXPECT_EQ(done.fresh(), 2U);
  EXPECT_EQ(done.doubles(), 1U);
  EXPECT_EQ(done.actor(), "wang");

  EXPECT_EQ(Status().cells(), 2U);
  ASSERT_EQ(Status().networks_size(), 1);
  EXPECT_EQ(Status().networks(0).network(), "460-00");
  EXPECT_EQ(Status().networks(0).source(), v1::TELCO);
  EXPECT_EQ(Status().networks(0).with_position(), 2U);

  v1::GetSurveyCellRequest ask;
  ask.set_cell(kHomeCell);
  v1::GetSurveyCellResponse known;
  ASSERT_TRUE(Client::Call(*client_->survey, &Stub::GetCell, ask, &known).ok());
  EXPECT_TRUE(known.known());
  EXPECT_DOUBLE_EQ(known.cell().longitude(), 106.35);
  EXPECT_EQ(known.cell().range_m(), 1500U);
  EXPECT_FALSE(known.cell().has_samples());
  ASSERT_EQ(known.lists_size(), 1);
  EXPECT_EQ(known.lists(0).list_id(), kArea);
  ask.set_cell(kCityCell);
  ASSERT_TRUE(Client::Call(*client_->survey, &Stub::GetCell, ask, &known).ok());
  EXPECT_FALSE(known.known());
  EXPECT_EQ(known.lists(0).kind(), v1::BLACKLIST);

  v1::ListAuditRequest audit;
  audit.set_object("site");
  v1::ListAuditResponse entries;
  ASSERT_TRUE(Client::Call(*client_->admin, &v1::AdminService::Stub::ListAudit, audit, &entries).ok());
  std::vector<std::string> actions;
  for (const auto& entry : entries.entries()) actions.push_back(entry.action());
  EXPECT_THAT(actions, testing::IsSupersetOf({"survey.begin", "survey.import"}));
}

TEST_F(SurveyServiceTest, ABrokenStreamIsGoneOnWith) {
  const std::string id = NewRequestId();
  const grpc::Status broken = Send({Header(id), Rows(0, RowBytes(1))});
  EXPECT_EQ(RefusalOf(broken).reason, "FIELD_MISSING");
  EXPECT_EQ(Status().open_imports(), 1U);
  EXPECT_EQ(Status().cells(), 0U);
  // Nothing was durable: a run is written when it is full or at the end.
  std::vector<v1::ImportSurveyResponse> answers;
  ASSERT_TRUE(Send({Header(id), Rows(0, RowBytes(1) + RowBytes(2)), End(0)}, &answers).ok());
  EXPECT_EQ(answers[1].done().fresh(), 2U);
  EXPECT_EQ(Status().open_imports(), 0U);
  // Its answer was lost: it is told again.
  answers.clear();
  ASSERT_TRUE(Send({Header(id), End(0)}, &answers).ok());
  EXPECT_TRUE(answers[0].begun().finished());
  EXPECT_EQ(answers[1].done().fresh(), 2U);
}

TEST_F(SurveyServiceTest, TheSameFileIsFoundAgain) {
  v1::ImportSurveyRequest first = Header(NewRequestId());
  first.mutable_header()->set_fingerprint(std::string(32, 'f'));
  (void)Send({first});
  v1::ImportSurveyRequest again = first;
  again.mutable_header()->set_import_id(NewRequestId());
  std::vector<v1::ImportSurveyResponse> answers;
  ASSERT_TRUE(Send({again, Rows(0, RowBytes(1)), End(0)}, &answers).ok());
  EXPECT_EQ(answers[0].begun().import_id(), first.header().import_id());
}

TEST_F(SurveyServiceTest, DryRunChangesNothing) {
  const auto before = SettledSequences();
  v1::ImportSurveyRequest header = Header(NewRequestId());
  header.mutable_header()->mutable_change()->set_dry_run(true);
  std::vector<v1::ImportSurveyResponse> answers;
  ASSERT_TRUE(Send({header, Rows(0, RowBytes(1)), End(0)}, &answers).ok());
  EXPECT_EQ(answers[1].done().fresh(), 1U);
  EXPECT_TRUE(answers[1].done().dry_run());
  EXPECT_EQ(Status().cells(), 0U);
  v1::ListSurveyImportsResponse imports;
  ASSERT_TRUE(
      Client::Call(*client_->survey, &Stub::ListImports, v1::ListSurveyImportsRequest(), &imports).ok());
  EXPECT_EQ(imports.imports_size(), 0);
  EXPECT_EQ(SettledSequences(), before);
}

TEST_F(SurveyServiceTest, Refusals) {
  const std::string id = NewRequestId();
  const auto header = [&](const std::function<void(v1::ImportSurveyHeader&)>& edit) {
    v1::ImportSurveyRequest request = Header(id);
    edit(*request.mutable_header());
    return request;
  };
  struct Case {
    const char* name;
    std::vector<v1::ImportSurveyRequest> requests;
    const char* reason;
    const char* field;
  };
  const Case cases[] = {
      {"no header", {Rows(0, RowBytes(1))}, "FIELD_MISSING", "header"},
      {"nothing", {}, "FIELD_MISSING", "end"},
      {"an empty message", {Header(id), v1::ImportSurveyRequest()}, "FIELD_MISSING", "part"},
      {"no id", {header([](auto& h) { h.clear_import_id(); })}, "FIELD_INVALID", "import_id"},
      {"no source", {header([](auto& h) { h.clear_source(); })}, "FIELD_INVALID", "source"},
      {"unknown source",
       {header([](auto& h) { h.set_source(static_cast<v1::SurveySource>(9)); })},
       "FIELD_INVALID",
       "source"},
      {"short fingerprint",
       {header([](auto& h) { h.set_fingerprint("abc"); })},
       "FIELD_INVALID",
       "fingerprint"},
      {"long name",
       {header([](auto& h) { h.set_file_name(std::string(256, 'x')); })},
       "FIELD_INVALID",
       "file_name"},
      {"header twice", {Header(id), Header(id)}, "FIELD_INVALID", "header"},
      {"half a row", {Header(id), Rows(0, RowBytes(1).substr(1))}, "FIELD_INVALID", "rows"},
      {"no row", {Header(id), Rows(0, std::string(32, 'x'))}, "FIELD_INVALID", "rows[0]"},
      {"row of another source",
       {Header(id), Rows(0, RowBytes(1) + RowBytes(2, survey::Source::kCrowd))},
       "FIELD_INVALID",
       "rows[1]"},
      {"a gap", {Header(id), Rows(1, RowBytes(1))}, "SURVEY_OFFSET", nullptr},
  };
  for (const Case& c : cases) {
    const Refusal refusal = RefusalOf(Send(c.requests));
    EXPECT_EQ(refusal.reason, c.reason) << c.name << ": " << refusal.message;
    EXPECT_TRUE(c.field == nullptr || (!refusal.fields.empty() && refusal.fields[0] == c.field)) << c.name;
  }
  EXPECT_EQ(Status().cells(), 0U);

  grpc::ClientContext context;
  const auto stream = Open(context);
  v1::ImportSurveyResponse begun;
  stream->Write(Header(id));
  ASSERT_TRUE(stream->Read(&begun));
  EXPECT_EQ(RefusalOf(Send({Header(NewRequestId())})).reason, "SURVEY_BUSY");
  v1::AbortSurveyImportRequest abort;
  abort.set_import_id(id);
  EXPECT_EQ(RefusalOf(Client::Call(*client_->survey, &Stub::AbortImport, abort)).reason, "SURVEY_BUSY");
  stream->WritesDone();
  (void)stream->Finish();
  EXPECT_TRUE(Client::Call(*client_->survey, &Stub::AbortImport, abort).ok());
  EXPECT_EQ(RefusalOf(Client::Call(*client_->survey, &Stub::AbortImport, abort)).reason, "SURVEY_UNKNOWN");
  v1::GetSurveyImportRequest get;
  get.set_import_id("x");
  EXPECT_EQ(RefusalOf(Client::Call(*client_->survey, &Stub::GetImport, get)).reason, "FIELD_INVALID");
  get.set_import_id(id);
  EXPECT_EQ(RefusalOf(Client::Call(*client_->survey, &Stub::GetImport, get)).reason, "SURVEY_UNKNOWN");
  v1::GetSurveyCellRequest cell;
  cell.set_cell("lte:460");
  EXPECT_EQ(RefusalOf(Client::Call(*client_->survey, &Stub::GetCell, cell)).reason, "FIELD_INVALID");
}

}  // namespace
}  // namespace hearth::rpc
