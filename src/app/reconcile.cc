#include "src/app/reconcile.h"

#include <algorithm>

#include <fmt/format.h>

#include "src/crypto/primitives.h"

namespace hearth::app {
namespace {

using records::Urgency;

// Commits under way at once: enough to share syncs, few enough to hold in memory.
constexpr size_t kUnsynced = 256;
// What the end of a hold writes, and may lie beyond the end of an archive.
constexpr std::string_view kReleasePrefix = "restore.";

// What one change of a card asks for: the same that the change itself sent, and its record.
Status EmitCard(Txn& txn, const std::string& key, std::string_view stored) {
  HEARTH_ASSIGN_OR_RETURN(const auto now, records::Decode<records::CardRecord>(stored));
  HEARTH_ASSIGN_OR_RETURN(const auto former, txn.Read<records::CardRecord>(key));
  const entitlement::Card& card = now.card;
  const entitlement::Card before = former ? former->value.card : entitlement::Card{};
  const bool standing = card.standing_stamp != before.standing_stamp;
  if (standing) {
    txn.Emit(records::StandingChanged{.card = card.number,
                                      .standing = card.standing,
                                      .reason = card.reason,
                                      .stamp = card.standing_stamp},
             Urgency::kBulk);
    const bool left = before.place.group.value != 0 && before.place != card.place;
    const auto member = [&](const entitlement::GroupSlot& place, bool leave) {
      txn.Reopen(card.standing_stamp);
      txn.Emit(
          records::MemberChanged{.group = place.group,
                                 .change = {.card = card.number,
                                            .slot = place.slot,
                                            .on = !leave && card.standing != entitlement::Standing::kDark,
                                            .leave = leave,
                                            .stamp = card.standing_stamp}},
          Urgency::kBulk);
    };
    if (left) member(before.place, true);
    if (card.place.group.value != 0) member(card.place, false);
  }
  if (standing || card.record_stamp != before.record_stamp) {
    txn.Emit(records::RecordDue{.card = card.number}, Urgency::kBulk);
  }
  if (card.pairing_stamp != before.pairing_stamp && card.box.value != 0) {
    txn.Emit(records::PairingDue{.card = card.number}, Urgency::kBulk);
  }
  return Ok();
}

Status EmitEffects(Txn& txn, const records::ChangeRecord& change) {
  for (const auto& [key, stored] : change.puts) {
    if (key.starts_with('~')) continue;
    HEARTH_ASSIGN_OR_RETURN(const auto value, SplitRevision(stored));
    if (key.starts_with("card/")) {
      HEARTH_RETURN_IF_ERROR(EmitCard(txn, key, value.value));
    } else if (key.starts_with("group/")) {
      HEARTH_ASSIGN_OR_RETURN(const auto group, records::Decode<records::GroupRecord>(value.value));
      Stamp newest;
      for (const auto& member : group.group.members) newest = std::max(newest, member.stamp);
      txn.Emit(records::GroupDue{.group = group.group.id, .at_least = newest, .keys = true}, Urgency::kBulk);
    } else if (key.starts_with("package/")) {
      HEARTH_ASSIGN_OR_RETURN(const auto package, records::Decode<records::PackageRecord>(value.value));
      txn.Emit(records::ServiceKeysDue{.package = package.package.id});
    } else if (key.starts_with("list/")) {
      HEARTH_ASSIGN_OR_RETURN(const auto head, records::Decode<records::CellListHead>(value.value));
      txn.Emit(records::TableDue{.kind = head.kind, .id = head.id});
    } else if (key.starts_with(kEmergencyPrefix)) {
      HEARTH_ASSIGN_OR_RETURN(const auto alert, records::Decode<entitlement::Emergency>(value.value));
      txn.Emit(records::EmergencyDue{.number = alert.number});
    }
  }
  return Ok();
}

std::string KindOf(std::string_view key) {
  if (key.starts_with('~')) return {};
  return std::string(key.substr(0, key.find('/')));
}

std::optional<DifferenceKind> CardDifference(const std::optional<records::CardRecord>& before,
                                             const records::CardRecord& after) {
  const bool was = before && before->card.standing != entitlement::Standing::kDark;
  const bool is = after.card.standing != entitlement::Standing::kDark;
  if (was == is) return std::nullopt;
  return is ? DifferenceKind::kCardLit : DifferenceKind::kCardDarkened;
}

std::optional<DifferenceKind> AccountDifference(const std::optional<entitlement::Account>& before,
                                                const entitlement::Account& after) {
  const auto in_force = [](const entitlement::Account& account) {
    return account.state != entitlement::AccountState::kOpening &&
           account.state != entitlement::AccountState::kClosed;
  };
  const bool was = before && in_force(*before);
  const bool is = in_force(after);
  if (!was && is) return DifferenceKind::kAccountOpened;
  if (was && !is) return DifferenceKind::kAccountClosed;
  if (was && is && before->form.devices != after.form.devices) return DifferenceKind::kAccountSwapped;
  return std::nullopt;
}

}  // namespace

Result<std::unique_ptr<Reconciler::Run>> Reconciler::Begin(const Request& request,
                                                           const archive::Identity& archive,
                                                           std::string plan) {
  if (archive != identity_) {
    return Error(Reason::kArchiveForeign,
                 fmt::format("the archive is of site \"{}\" or of another master key; this is \"{}\"",
                             archive.site, identity_.site));
  }
  if (!plan.empty()) {
    if (request.reason.empty()) return MissingField("change.reason", "say why: it goes into the audit");
    if (!hold_.held()) return Error(Reason::kRestoreNotHeld, "the site is reconciled");
    const MutexLock lock(mu_);
    if (plan != checked_) {
      return Error(Reason::kRevisionMismatch, "the plan is not that of the last check of this daemon");
    }
  }
  if (running_.exchange(true)) {
    return Error(Reason::kConcurrentEdit, "another reconciliation of this site is under way");
  }
  std::unique_ptr<Run> run(new Run(*this, request, std::move(plan)));
  run->report_.held = hold_.held();
  HEARTH_ASSIGN_OR_RETURN(const auto sequences, executor_.store().Sequences());
  for (const auto& bucket : sequences) {
    if (bucket.bucket.value <= store::kSystemBucket.value) run->have_[bucket.bucket.value] = bucket.sequence;
  }
  return run;
}

Reconciler::Run::~Run() {
  (void)owner_.executor_.WaitForReplay();
  owner_.running_.store(false);
}

Status Reconciler::Run::Take(const archive::Change& change) {
  if (change.bucket > store::kSystemBucket.value) {
    return Error(Reason::kArchiveDamaged, fmt::format("there is no bucket {}", change.bucket));
  }
  const auto have = have_.find(change.bucket);
  const uint64_t n = have == have_.end() ? 0 : have->second;
  if (change.sequence <= n) return Ok();
  HEARTH_RETURN_IF_ERROR(owner_.keys_.CheckArchived(owner_.identity_, change));
  const auto reached = reached_.find(change.bucket);
  const uint64_t last = reached == reached_.end() ? n : reached->second.sequence;
  if (change.sequence != last + 1) {
    return Error(Reason::kArchiveGap,
                 fmt::format("bucket {} goes from sequence {} to {}", change.bucket, last, change.sequence));
  }
  if (plan_.empty()) {
    HEARTH_RETURN_IF_ERROR(TakeChecked(change));
  } else {
    Status replayed = owner_.executor_.Replay(store::BucketId(change.bucket), change.sequence, change.record,
                                              change.audit, EmitEffects);
    if (!replayed) {
      // After a failed commit what comes behind it does not fit any more: the cause is the commit's.
      HEARTH_RETURN_IF_ERROR(owner_.executor_.WaitForReplay());
      return replayed.error();
    }
    if (++unsynced_ >= kUnsynced) {
      HEARTH_RETURN_IF_ERROR(owner_.executor_.WaitForReplay());
      unsynced_ = 0;
    }
  }
  reached_[change.bucket] = {.sequence = change.sequence, .checksum = archive::Checksum(change.record)};
  ++report_.changes;
  return Ok();
}

Status Reconciler::Run::TakeChecked(const archive::Change& archived) {
  HEARTH_ASSIGN_OR_RETURN(const auto change, records::Decode<records::ChangeRecord>(archived.record));
  report_.newest = std::max(report_.newest, change.time);
  for (const auto& [key, stored] : change.puts) {
    if (const std::string kind = KindOf(key); !kind.empty()) ++report_.writes[kind];
    HEARTH_ASSIGN_OR_RETURN(const auto value, SplitRevision(stored));
    HEARTH_RETURN_IF_ERROR(Compare(key, value.value));
  }
  for (const std::string& key : change.deletes) {
    if (const std::string kind = KindOf(key); !kind.empty()) ++report_.writes[kind];
  }
  return Ok();
}

// Against the store as it is: the last of several changes counts.
Status Reconciler::Run::Compare(const std::string& key, const std::string& stored) {
  std::optional<DifferenceKind> kind;
  std::string object;
  if (key.starts_with("card/")) {
    HEARTH_ASSIGN_OR_RETURN(const auto after, records::Decode<records::CardRecord>(stored));
    HEARTH_ASSIGN_OR_RETURN(const auto before,
                            owner_.executor_.Read<records::CardRecord>(CardKey(after.card.number)));
    kind = CardDifference(before ? std::optional(before->value) : std::nullopt, after);
    object = "card:" + ToString(after.card.number);
  } else if (key.starts_with("account/")) {
    HEARTH_ASSIGN_OR_RETURN(const auto after, records::Decode<entitlement::Account>(stored));
    HEARTH_ASSIGN_OR_RETURN(const auto before,
                            owner_.executor_.Read<entitlement::Account>(AccountKey(after.form.form_number)));
    kind = AccountDifference(before ? std::optional(before->value) : std::nullopt, after);
    object = "account:" + after.form.form_number;
  } else {
    return Ok();
  }
  if (kind) {
    differences_[key] = {.kind = *kind, .object = std::move(object)};
  } else {
    differences_.erase(key);
  }
  return Ok();
}

// The store may have more than the archive only where that is the end of a hold.
Status Reconciler::Run::CheckBehind(uint16_t bucket, uint64_t end) const {
  const uint64_t have = have_.at(bucket);
  for (uint64_t sequence = end + 1; sequence <= have; ++sequence) {
    HEARTH_ASSIGN_OR_RETURN(const auto stored,
                            owner_.executor_.store().Get(store::BucketId(bucket), store::Space::kRecord,
                                                         store::SequenceKey(sequence)));
    bool own = false;
    if (stored) {
      HEARTH_ASSIGN_OR_RETURN(const auto record, records::Decode<records::ChangeRecord>(*stored));
      own = record.action.starts_with(kReleasePrefix);
    }
    if (!own) {
      return Error(
          Reason::kArchiveBehind,
          fmt::format("bucket {} is archived up to sequence {}; the store has {}", bucket, end, have));
    }
  }
  return Ok();
}

Status Reconciler::Run::CheckEnds(const std::map<uint16_t, ArchiveEnd>& ends) const {
  for (const auto& [bucket, have] : have_) {
    // A site that is not held goes on while its archive is read, and nothing is ended by that.
    if (!report_.held) break;
    const auto it = ends.find(bucket);
    const ArchiveEnd end = it == ends.end() ? ArchiveEnd{} : it->second;
    if (end.sequence < have) {
      HEARTH_RETURN_IF_ERROR(CheckBehind(bucket, end.sequence));
    } else if (end.checksum_at_have != 0) {
      HEARTH_ASSIGN_OR_RETURN(const auto record,
                              owner_.executor_.store().Get(store::BucketId(bucket), store::Space::kRecord,
                                                           store::SequenceKey(have)));
      if (record && archive::Checksum(*record) != end.checksum_at_have) {
        return Error(
            Reason::kArchiveDiverged,
            fmt::format("bucket {} has another change at sequence {} than the archive", bucket, have));
      }
    }
  }
  const auto reached = [&](uint16_t bucket) {
    const auto it = reached_.find(bucket);
    if (it != reached_.end()) return it->second.sequence;
    const auto have = have_.find(bucket);
    return have == have_.end() ? 0 : have->second;
  };
  for (const auto& [bucket, end] : ends) {
    if (end.sequence > reached(bucket)) {
      return Error(Reason::kArchiveGap,
                   fmt::format("bucket {} came up to sequence {}, and the archive ends at {}", bucket,
                               reached(bucket), end.sequence));
    }
  }
  if (owner_.archiver_ == nullptr || !report_.held) return Ok();
  for (const auto& [bucket, tail] : owner_.archiver_->tails()) {
    if (tail.sequence > reached(bucket)) {
      return Error(Reason::kArchiveBehind,
                   fmt::format("bucket {} would end at sequence {}; the daemon's own archive has {}", bucket,
                               reached(bucket), tail.sequence));
    }
  }
  return Ok();
}

std::string Reconciler::Run::PlanNow() const {
  ByteWriter out;
  for (const auto& [bucket, tail] : reached_) out.U16(bucket).U64(tail.sequence).U32(tail.checksum);
  return "plan-" + ToHex(ByteView(crypto::Sha256(out.bytes())).first(16));
}

Result<ReconcileReport> Reconciler::Run::Finish(const std::map<uint16_t, ArchiveEnd>& ends) {
  HEARTH_RETURN_IF_ERROR(owner_.executor_.WaitForReplay());
  HEARTH_RETURN_IF_ERROR(CheckEnds(ends));
  report_.buckets = reached_.size();
  for (auto& [key, difference] : differences_) report_.differences.push_back(std::move(difference));
  if (plan_.empty()) {
    report_.plan = PlanNow();
    const MutexLock lock(owner_.mu_);
    owner_.checked_ = report_.plan;
    owner_.checked_tails_ = reached_;
    return std::move(report_);
  }
  {
    const MutexLock lock(owner_.mu_);
    if (reached_ != owner_.checked_tails_) {
      return Error(Reason::kRevisionMismatch, "these were not all the changes that were checked");
    }
    owner_.checked_.clear();
  }
  HEARTH_ASSIGN_OR_RETURN(report_.committed, owner_.release_(request_, "restore.reconcile", false));
  return std::move(report_);
}

Result<Change> Reconciler::ReleaseWithoutArchive(const Request& request) {
  if (request.reason.empty()) return MissingField("change.reason", "say why: it goes into the audit");
  HEARTH_RETURN_IF_ERROR(CheckRequestAge(request, executor_.clock().Now(), limits_));
  if (!hold_.held()) return Error(Reason::kRestoreNotHeld, "the site is reconciled");
  if (request.dry_run) return Change{};
  if (running_.exchange(true)) {
    return Error(Reason::kConcurrentEdit, "another reconciliation of this site is under way");
  }
  bool set_aside = false;
  auto released = [&]() -> Result<Committed> {
    if (archiver_ != nullptr) {
      HEARTH_ASSIGN_OR_RETURN(const auto restored, FindRestore(executor_.store(), archiver_->tails()));
      set_aside = restored.has_value();
    }
    return release_(request, "restore.release", set_aside);
  }();
  running_.store(false);
  if (!released) return released.error();
  return Change{.committed = *released, .revision = released->sequence, .repeated = false};
}

}  // namespace hearth::app
