// hearthctl archive: checking an archive of changes, and reconciling a restored site with it.
#include <filesystem>
#include <map>

#include <fmt/format.h>

#include "hearth/v1/admin.grpc.pb.h"
#include "src/archive/reader.h"
#include "tools/ctl/files.h"
#include "tools/ctl/tree.h"

namespace hearth::ctl {
namespace {

namespace fs = std::filesystem;
namespace v1 = hearth::v1;
using Admin = v1::AdminService::Stub;
using Stream = grpc::ClientReaderWriter<v1::ReconcileArchiveRequest, v1::ReconcileArchiveResponse>;

// Of the changes in one message: far below Limits::grpc_message_bytes, unless one of them is larger.
constexpr size_t kMessageBytes = size_t{1} << 20;

struct VerifyFlags {
  std::string path;
};

std::string FaultsJson(const std::vector<archive::Fault>& faults) {
  std::string text;
  for (const archive::Fault& fault : faults) {
    text += fmt::format("{}{{\"file\":{},\"offset\":{},\"reason\":{},\"message\":{}}}",
                        text.empty() ? "" : ",", JsonString(fault.file.string()), fault.offset,
                        JsonString(InfoOf(fault.error.reason()).name), JsonString(fault.error.message()));
  }
  return text;
}

int RunVerify(Session& session, const VerifyFlags& flags) {
  const auto survey = archive::Walk(flags.path, {}, [](archive::Change&&) { return Ok(); });
  if (!survey) return session.FailFile(survey.error());
  if (session.json()) {
    session.out() << fmt::format(
        "{{\"site\":{},\"segments\":{},\"changes\":{},\"buckets\":{},\"bytes\":{},\"torn_bytes\":{},"
        "\"faults\":[{}]}}\n",
        JsonString(survey->identity.site), survey->segments, survey->changes, survey->end.size(),
        survey->bytes, survey->torn_bytes, FaultsJson(survey->faults));
  } else {
    Sheet sheet;
    sheet.Add("site", Printable(survey->identity.site));
    sheet.Add("segments", std::to_string(survey->segments));
    sheet.Add("changes", std::to_string(survey->changes));
    sheet.Add("buckets", std::to_string(survey->end.size()));
    sheet.Add("bytes", std::to_string(survey->bytes));
    if (survey->torn_bytes > 0) {
      sheet.Add("unfinished tail",
                fmt::format("{} bytes: being written, or cut off by a crash", survey->torn_bytes));
    }
    sheet.Add("faults", std::to_string(survey->faults.size()));
    sheet.Print(session.out());
    for (const archive::Fault& fault : survey->faults) {
      session.out() << fmt::format("{}: {} ({})\n", InfoOf(fault.error.reason()).name, fault.error.message(),
                                   fault.file.string());
    }
  }
  return survey->faults.empty() ? kExitOk : kExitBadFile;
}

struct ReconcileFlags {
  std::string path;
  std::string list;
  bool without_archive = false;
  ChangeFlags change;
};

struct Answer {
  v1::ReconcileSummary summary;
  std::vector<v1::Difference> differences;
};

// Gathers changes into messages.
class Sender {
 public:
  explicit Sender(Stream& stream) : stream_(stream) {}

  // False when the head-end has ended the call.
  bool Add(archive::Change&& change) {
    bytes_ += change.record.size() + change.audit.size();
    v1::ArchivedChange* out = message_.mutable_changes()->add_changes();
    out->set_bucket(change.bucket);
    out->set_sequence(change.sequence);
    out->set_seal(std::string(AsChars(change.seal)));
    out->set_record(std::move(change.record));
    out->set_audit(std::move(change.audit));
    return bytes_ < kMessageBytes || Flush();
  }
  bool Flush() {
    if (bytes_ == 0) return true;
    const bool open = stream_.Write(message_);
    message_.Clear();
    bytes_ = 0;
    return open;
  }

 private:
  Stream& stream_;
  v1::ReconcileArchiveRequest message_;
  size_t bytes_ = 0;
};

// The site that the newest segment names.
Result<archive::Identity> IdentityOf(const fs::path& path) {
  std::vector<fs::path> files = {path};
  std::error_code error;
  if (fs::is_directory(path, error)) {
    HEARTH_ASSIGN_OR_RETURN(files, archive::SegmentsOf(path));
  }
  if (files.empty()) {
    return Error(Reason::kFileUnreadable, fmt::format("{} holds no segment of an archive", path.string()));
  }
  HEARTH_ASSIGN_OR_RETURN(const Bytes bytes,
                          archive::ReadSegment(files.back(), archive::kMaxHeaderBytes + 64));
  size_t used = 0;
  HEARTH_ASSIGN_OR_RETURN(auto header, archive::DecodeHeader(bytes, used));
  return std::move(header.identity);
}

v1::ReconcileArchiveRequest EndsOf(const archive::Survey& survey) {
  v1::ReconcileArchiveRequest message;
  message.mutable_ends();
  for (const auto& [bucket, tail] : survey.end) {
    v1::BucketEnd* end = message.mutable_ends()->add_ends();
    end->set_bucket(bucket);
    end->set_sequence(tail.sequence);
    const auto known = survey.at_have.find(bucket);
    if (known != survey.at_have.end()) end->set_checksum_at_have(known->second);
  }
  return message;
}

// One call: a check, or with a plan the real thing.
tl::expected<Answer, Failure> Pass(const Client& client, const fs::path& path,
                                   const v1::ReconcileHeader& header) {
  grpc::ClientContext context;
  client.Prepare(context, std::nullopt);
  Admin stub(client.channel());
  const auto stream = stub.ReconcileArchive(&context);
  v1::ReconcileArchiveRequest first;
  *first.mutable_header() = header;
  v1::ReconcileArchiveResponse message;
  Answer answer;
  bool open = stream->Write(first) && stream->Read(&message);
  if (open) {
    archive::WalkOptions options{.have = {}, .stop_at_fault = true};
    for (const v1::BucketEnd& bucket : message.have().buckets()) {
      options.have[static_cast<uint16_t>(bucket.bucket())] = bucket.sequence();
    }
    const auto have = options.have;
    Sender sender(*stream);
    const auto survey = archive::Walk(path, options, [&](archive::Change&& change) -> Status {
      const auto known = have.find(change.bucket);
      if (known != have.end() && change.sequence <= known->second) return Ok();
      open = sender.Add(std::move(change));
      return open ? Ok() : Status(Error(Reason::kInternal, "the head-end has ended the call"));
    });
    if (!survey && open) {
      context.TryCancel();
      (void)stream->Finish();
      return tl::unexpected(LocalFailure(survey.error(), kExitBadFile));
    }
    open = open && sender.Flush() && stream->Write(EndsOf(*survey));
  }
  stream->WritesDone();
  while (stream->Read(&message)) {
    if (message.has_summary()) answer.summary = message.summary();
    for (const v1::Difference& difference : message.differences().differences()) {
      answer.differences.push_back(difference);
    }
  }
  const grpc::Status status = stream->Finish();
  if (!status.ok()) return tl::unexpected(client.Decode(status));
  return answer;
}

std::string_view NameOf(v1::Difference::Kind kind) {
  switch (kind) {
    case v1::Difference::ACCOUNT_OPENED:
      return "account opened";
    case v1::Difference::ACCOUNT_CLOSED:
      return "account closed";
    case v1::Difference::ACCOUNT_SWAPPED:
      return "account swapped";
    case v1::Difference::CARD_LIT:
      return "card lit";
    case v1::Difference::CARD_DARKENED:
      return "card darkened";
    default:
      return "changed";
  }
}

void PrintCheck(Session& session, const v1::ReconcileSummary& summary) {
  Sheet sheet;
  sheet.Add("site", summary.held() ? "HELD: restored and not reconciled" : "not held");
  sheet.Add("changes since", std::to_string(summary.changes()));
  sheet.Add("up to", LocalTime(summary.newest()));
  sheet.Add("accounts opened", std::to_string(summary.accounts_opened()));
  sheet.Add("accounts closed", std::to_string(summary.accounts_closed()));
  sheet.Add("accounts swapped", std::to_string(summary.accounts_swapped()));
  sheet.Add("cards lit", std::to_string(summary.cards_lit()));
  sheet.Add("cards darkened", std::to_string(summary.cards_darkened()));
  sheet.Print(session.out());
  if (summary.writes().empty()) return;
  Table table({{"kind"}, {"written", true}});
  const std::map<std::string, uint64_t> sorted(summary.writes().begin(), summary.writes().end());
  for (const auto& [kind, count] : sorted) table.Add({Printable(kind), std::to_string(count)});
  session.out() << '\n';
  table.Print(session.out());
}

Status WriteList(const std::string& path, const std::vector<v1::Difference>& differences) {
  std::string text = "object,change\n";
  for (const v1::Difference& difference : differences) {
    text += fmt::format("{},{}\n", difference.object(), NameOf(difference.kind()));
  }
  return WriteFile(path, text);
}

int RunWithoutArchive(Session& session, const ReconcileFlags& flags) {
  session.Note(
      "Without the archive, everything since the backup is lost: homes opened since go dark, homes switched "
      "off "
      "since light up, swapped boxes stop working, and a card that got its place in a group since may follow "
      "the bit "
      "of the one that gets it next.");
  if (!session.Confirm("Is the store right as it is? End the hold?")) return session.Declined();
  return session.Change(&Admin::ReleaseRestore, v1::ReleaseRestoreRequest(), flags.change,
                        [&](const v1::ReleaseRestoreResponse&) { session.out() << "the hold is ended\n"; });
}

int RunReconcile(Session& session, const ReconcileFlags& flags) {
  if (flags.without_archive == !flags.path.empty()) {
    return session.FailUsage(MissingField("DIR", "the archive's directory, or --without-archive"));
  }
  const bool dry_run = session.globals().dry_run;
  if (flags.change.reason.empty() && !dry_run) {
    return session.FailUsage(MissingField("--reason", "say why: it goes into the audit"));
  }
  if (flags.without_archive) return RunWithoutArchive(session, flags);
  const auto identity = IdentityOf(flags.path);
  if (!identity) return session.FailFile(identity.error());
  auto client = session.Connect();
  if (!client) return session.Fail(client.error());
  const auto id = session.request_id();
  if (!id) return session.FailUsage(id.error());
  v1::ReconcileHeader header;
  session.FillChange(flags.change, *id, header.mutable_change());
  header.mutable_change()->set_dry_run(true);
  header.set_site(identity->site);
  header.set_key_check(std::string(AsChars(identity->key_check)));

  const auto checked = Pass(**client, flags.path, header);
  if (!checked) return session.Fail(checked.error());
  if (!flags.list.empty()) {
    if (const Status written = WriteList(flags.list, checked->differences); !written) {
      return session.FailFile(written.error());
    }
  }
  std::string json = fmt::format("{{\"check\":{}", Json(checked->summary, JsonStyle::kOneLine));
  if (!session.json()) PrintCheck(session, checked->summary);
  const bool nothing = checked->summary.changes() == 0 && !checked->summary.held();
  if (dry_run || nothing) {
    if (session.json()) session.out() << json << "}\n";
    if (!session.json()) {
      session.out() << (nothing ? "there is nothing to reconcile\n"
                                : "this was a dry run: nothing is changed\n");
    }
    return kExitOk;
  }
  if (!session.Confirm("Commit these changes and end the hold?")) return session.Declined();
  header.mutable_change()->set_dry_run(false);
  header.set_plan(checked->summary.plan());
  const auto done = Pass(**client, flags.path, header);
  if (!done) return session.Fail(done.error());
  if (session.json()) {
    session.out() << json << fmt::format(",\"done\":{}}}\n", Json(done->summary, JsonStyle::kOneLine));
    return kExitOk;
  }
  session.out() << fmt::format("reconciled: {} changes are committed, the hold is ended\n",
                               done->summary.changes());
  session.PrintChanged(done->summary.changed());
  return kExitOk;
}

}  // namespace

void AddArchiveCommands(Tree& tree) {
  tree.Noun("archive", "The archive of changes, and reconciling a restored site with it");
  tree.Add<VerifyFlags>(
      "archive", "verify", "Reads an archive and says whether it is whole; needs no head-end",
      [](CLI::App& command, VerifyFlags& flags) {
        File(command.add_option("path", flags.path, "The archive's directory, or one segment"))->required();
      },
      RunVerify);
  tree.Add<ReconcileFlags>(
      "archive", "reconcile", "After a restore: commits what the backup lacks and ends the hold",
      [](CLI::App& command, ReconcileFlags& flags) {
        File(command.add_option("path", flags.path, "The archive's directory"));
        File(command.add_option("--list", flags.list, "Write accounts and cards that differ there, as CSV"));
        command.add_flag("--without-archive", flags.without_archive,
                         "There is none: end the hold with the store as it is");
        DeclareChange(command, flags.change, false);
      },
      RunReconcile);
}

}  // namespace hearth::ctl
