#include "src/rpc/convert_survey.h"

#include <algorithm>

#include <fmt/format.h>

#include "src/rpc/convert_in.h"
#include "src/rpc/convert_out.h"

namespace hearth::rpc {
namespace {

constexpr size_t kFileNameBytes = 255;

}  // namespace

Result<RequestId> ImportIdFrom(const std::string& text) {
  auto id = RequestId::Parse(text);
  if (!id) return InvalidField("import_id", "a UUID of version 7");
  return *id;
}

Result<survey::NewImport> NewImportFrom(const v1::ImportSurveyHeader& header, const Limits& limits) {
  survey::NewImport out;
  FieldErrors errors(limits);
  out.id = errors.Take(ImportIdFrom(header.import_id()));
  errors.Require(header.source() >= v1::CROWD && header.source() <= v1::TELCO, "source",
                 "CROWD, COLLECTOR or TELCO");
  out.source = static_cast<survey::Source>(header.source());
  if (header.fingerprint().size() == out.fingerprint.size()) {
    std::copy(header.fingerprint().begin(), header.fingerprint().end(), out.fingerprint.begin());
  } else {
    errors.Require(header.fingerprint().empty(), "fingerprint", "32 bytes, or none");
  }
  out.file_bytes = header.file_bytes();
  errors.Require(header.file_name().size() <= kFileNameBytes, "file_name", "at most 255 bytes");
  out.file_name = header.file_name();
  return errors.Finish(std::move(out));
}

v1::SurveyImport ToProto(const survey::ImportState& state) {
  v1::SurveyImport out;
  out.set_import_id(state.what.id.ToString());
  out.set_source(static_cast<v1::SurveySource>(state.what.source));
  out.set_stage(static_cast<v1::SurveyImport::Stage>(state.stage));
  out.set_file_name(state.what.file_name);
  out.set_file_bytes(state.what.file_bytes);
  out.set_actor(state.what.actor);
  *out.mutable_began() = ToTimestamp(state.began);
  *out.mutable_changed() = ToTimestamp(state.changed);
  out.set_rows(state.rows);
  out.set_rejected(state.rejected);
  out.set_fresh(state.counts.fresh);
  out.set_replaced(state.counts.changed);
  out.set_unchanged(state.counts.unchanged);
  out.set_older(state.counts.older);
  out.set_lower(state.counts.lower);
  out.set_doubles(state.counts.doubles);
  out.set_generation(state.generation);
  out.set_dry_run(state.what.dry_run);
  return out;
}

v1::SurveyCell ToProto(const survey::Row& row) {
  v1::SurveyCell out;
  out.set_cell(ToString(row.cell));
  out.set_source(static_cast<v1::SurveySource>(row.source));
  if (row.position) {
    out.set_has_position(true);
    out.set_longitude(row.position->longitude_e7 / 1e7);
    out.set_latitude(row.position->latitude_e7 / 1e7);
  }
  if (row.range_m) out.set_range_m(*row.range_m);
  if (row.samples) out.set_samples(*row.samples);
  if (row.updated) out.mutable_updated()->set_seconds(*row.updated);
  return out;
}

v1::ListOfCell ToProto(const geofence::ListRef& list) {
  v1::ListOfCell out;
  out.set_kind(static_cast<v1::ListKind>(list.kind));
  out.set_list_id(ToString(list.id));
  return out;
}

v1::GetSurveyStatusResponse StatusOf(const survey::Table* table) {
  v1::GetSurveyStatusResponse out;
  if (table == nullptr) return out;
  out.set_cells(table->rows());
  out.set_with_position(table->points());
  out.set_generation(table->generation());
  *out.mutable_since() = ToTimestamp(table->created());
  out.set_bytes(table->bytes());
  for (const survey::NetworkCount& count : table->networks()) {
    v1::SurveyNetwork& network = *out.add_networks();
    network.set_radio(static_cast<v1::Radio>(count.radio));
    network.set_network(fmt::format("{:03}-{:0{}}", count.mcc, count.mnc, count.mnc_digits));
    network.set_source(static_cast<v1::SurveySource>(count.source));
    network.set_cells(count.rows);
    network.set_with_position(count.with_position);
  }
  return out;
}

}  // namespace hearth::rpc
