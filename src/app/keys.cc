#include "src/app/keys.h"

#include <algorithm>
#include <charconv>
#include <tuple>

#include <fmt/format.h>

#include "src/crypto/primitives.h"

namespace hearth::app {
namespace {

// A chain is anchored this many epochs ahead: about twenty years of fortnights.
constexpr uint64_t kChainEpochs = 512;
// Derived back as far as a clock may be corrected: to before the chain was made, too.
constexpr uint16_t kChainSteps = 4 * kChainEpochs;
constexpr std::string_view kMasterKeyName = "master-key";

Bytes IdBytes(uint64_t id) {
  ByteWriter out(8);
  out.U64(id);
  return std::move(out).Take();
}

Bytes ServiceKeyId(ServiceId service, uint64_t epoch) {
  ByteWriter out(10);
  out.U16(service.value).U64(epoch);
  return std::move(out).Take();
}

Bytes ArchivedId(const archive::Change& change) {
  ByteWriter out(10);
  out.U16(change.bucket).U64(change.sequence);
  return std::move(out).Take();
}

// The first half of SHA-256([length]8 ‖ site ‖ [length]8 ‖ record ‖ audit entry).
crypto::Key128 ArchivedDigest(const archive::Identity& site, const archive::Change& change) {
  ByteWriter head;
  head.U64(site.site.size()).Put(AsBytes(site.site)).U64(change.record.size());
  const auto digest = crypto::Sha256(head.bytes(), AsBytes(change.record), AsBytes(change.audit));
  std::array<uint8_t, 16> half{};
  std::copy_n(digest.begin(), half.size(), half.begin());
  return crypto::Key128(half);
}

std::vector<EcmTerms> TermsOf(const entitlement::Channel& channel,
                              const std::vector<entitlement::Window>& plan) {
  std::vector<EcmTerms> terms;
  for (const entitlement::PlanPiece& piece : entitlement::TimelineOf(channel.criteria, plan)) {
    terms.push_back({.from = piece.from,
                     .access = {.mode = static_cast<cas::AcMode>(piece.criteria.mode),
                                .product = piece.criteria.product,
                                .division = piece.criteria.division,
                                .all_but = piece.criteria.division_except},
                     .ac_id = piece.ac_id()});
  }
  return terms;
}

}  // namespace

Error UnknownChannel(const ChannelRef& channel) {
  const auto* name = std::get_if<std::string>(&channel);
  return Error(Reason::kChannelUnknown,
               name != nullptr ? fmt::format("no channel is called \"{}\"", name->substr(0, 64))
                               : fmt::format("service {} is no channel", std::get<ServiceId>(channel).value));
}

uint64_t EpochPlan::Current(UnixMillis now) const {
  return now < zero ? 0 : static_cast<uint64_t>((now.value - zero.value) / length.count());
}

bool EpochPlan::InLead(UnixMillis now) const {
  const int64_t into = now < zero ? 0 : (now.value - zero.value) % length.count();
  return into >= (length - lead).count();
}

// Everything loaded for one pair of epochs; immutable once published.
struct KeyKeeper::State {
  struct PackageKeys {
    entitlement::Package package;
    std::map<uint64_t, crypto::PackageKey> keys;  // by epoch: the present and the next
  };
  uint64_t current = 0;
  uint64_t on_air = 0;
  std::vector<entitlement::Channel> channels;
  std::map<PackageId, PackageKeys> packages;
  std::map<std::pair<ServiceId, uint64_t>, crypto::ServiceKey> service_keys;
  std::shared_ptr<const EcmSnapshot> ecm;
};

KeyKeeper::KeyKeeper(Executor& executor, const PlanBook& plans, crypto::MasterKey master,
                     RandomSource& random, EpochPlan plan)
    : executor_(executor), plans_(plans), master_(std::move(master)), random_(random), plan_(plan) {}

Result<std::unique_ptr<KeyKeeper>> KeyKeeper::Create(Executor& executor, const PlanBook& plans,
                                                     crypto::MasterKey master, RandomSource& random,
                                                     EpochPlan plan, UnixMillis now) {
  std::unique_ptr<KeyKeeper> keys(new KeyKeeper(executor, plans, std::move(master), random, plan));
  HEARTH_ASSIGN_OR_RETURN(const auto stored, executor.Get(SiteKey(kMasterKeyName)));
  if (stored) {
    HEARTH_RETURN_IF_ERROR(keys->master_.Verify(AsBytes(stored->value)));
  } else if (!executor.held()) {
    auto committed = executor.RunUngated(
        store::kSystemBucket, {.actor = "hearthd", .action = "site.master-key"}, [&](Txn& txn) -> Status {
          txn.Put(SiteKey(kMasterKeyName).key, std::string(AsChars(keys->master_.check_value())));
          return Ok();
        });
    if (!committed) return committed.error();
  }
  HEARTH_RETURN_IF_ERROR(keys->LoadBatches());
  HEARTH_ASSIGN_OR_RETURN(const bool changed, keys->Refresh(now));
  (void)changed;
  return keys;
}

Status KeyKeeper::Reload(UnixMillis now) {
  HEARTH_ASSIGN_OR_RETURN(const auto stored, executor_.Get(SiteKey(kMasterKeyName)));
  if (stored) HEARTH_RETURN_IF_ERROR(master_.Verify(AsBytes(stored->value)));
  HEARTH_RETURN_IF_ERROR(LoadBatches());
  HEARTH_ASSIGN_OR_RETURN(const bool changed, Refresh(now));
  (void)changed;
  return Ok();
}

Status KeyKeeper::LoadBatches() {
  return executor_.ForEach(
      store::kSystemBucket, "batch/", [&](std::string_view, std::string_view value) -> Status {
        HEARTH_ASSIGN_OR_RETURN(auto batch, records::Decode<records::BatchRecord>(value));
        HEARTH_ASSIGN_OR_RETURN(auto key,
                                master_.Unwrap("batch", IdBytes(batch.id.value), batch.wrapped_master));
        const BatchId id = batch.id;
        const MutexLock lock(mu_);
        batch_from_.emplace(batch.first, id);
        batches_.emplace(id, std::pair(std::move(batch), crypto::BatchMaster(std::move(key))));
        return Ok();
      });
}

Result<Change> KeyKeeper::ImportBatch(const Request& request, const NewBatch& batch, const Limits& limits) {
  if (batch.id.value == 0) return InvalidField("batch", "1 to 65535");
  if (batch.first.value == 0) return InvalidField("first_card", "12 digits, not all zero");
  if (batch.last < batch.first) return InvalidField("last_card", "not below first_card");
  if (batch.master.IsZero()) return InvalidField("master_key", "16 random bytes");
  records::BatchRecord record{.id = batch.id, .first = batch.first, .last = batch.last};
  HEARTH_ASSIGN_OR_RETURN(record.wrapped_master,
                          master_.Wrap("batch", IdBytes(batch.id.value), batch.master));
  const Act act{.action = "batch.import",
                .object = "site",
                .detail = fmt::format("batch {}, cards {} to {}", batch.id.value, ToString(batch.first),
                                      ToString(batch.last))};
  const ObjectKey key = BatchKey(batch.id);
  const MutexLock import(import_mu_);
  HEARTH_ASSIGN_OR_RETURN(
      auto outcome,
      RunOnce(executor_, key.bucket, request, act, limits, [&](Txn& txn) -> Result<std::string> {
        HEARTH_ASSIGN_OR_RETURN(const auto existing, txn.Read<records::BatchRecord>(key.key));
        // Wrapping is deterministic, so the same batch gives the same bytes: re-import is harmless.
        if (existing && existing->value == record) return std::string();
        if (existing) {
          return Error(Reason::kBatchExists,
                       fmt::format("batch {} is known with other content", batch.id.value));
        }
        {
          const MutexLock lock(mu_);
          for (const auto& [id, other] : batches_) {
            if (batch.first <= other.first.last && other.first.first <= batch.last) {
              return InvalidField("first_card", fmt::format("the range overlaps that of batch {}", id.value));
            }
          }
        }
        txn.Write(key.key, record);
        return std::string();
      }));
  if (outcome.change.committed.wrote && !request.dry_run) {
    const MutexLock lock(mu_);
    batch_from_.emplace(batch.first, batch.id);
    batches_.emplace(batch.id, std::pair(std::move(record), batch.master.Copy()));
  }
  return outcome.change;
}

Status KeyKeeper::CheckCardInBatch(CardNumber card, BatchId batch) const {
  const MutexLock lock(mu_);
  const auto it = batches_.find(batch);
  if (it == batches_.end()) {
    return Error(Reason::kBatchUnknown, fmt::format("batch {} is not known", batch.value));
  }
  const records::BatchRecord& record = it->second.first;
  if (card < record.first || card > record.last) {
    return Error(Reason::kCardOutsideBatch,
                 fmt::format("card {} is not in batch {} ({} to {})", ToString(card), batch.value,
                             ToString(record.first), ToString(record.last)));
  }
  return Ok();
}

Result<crypto::CardReportKey> KeyKeeper::ReportKeyOf(CardNumber card) const {
  crypto::BatchMaster master;
  {
    const MutexLock lock(mu_);
    const auto after = batch_from_.upper_bound(card);
    const auto batch =
        after == batch_from_.begin() ? batches_.end() : batches_.find(std::prev(after)->second);
    if (batch == batches_.end() || card > batch->second.first.last) {
      return Error(Reason::kCardUnknown, fmt::format("card {} is in no batch", ToString(card)));
    }
    master = batch->second.second.Copy();
  }
  HEARTH_ASSIGN_OR_RETURN(const crypto::CardKey card_key, crypto::CardKeyFor(master, card));
  return crypto::CardReportKeyFor(card_key);
}

Result<crypto::CardKeys> KeyKeeper::KeysOfCard(CardNumber card, BatchId batch) const {
  crypto::BatchMaster master;
  {
    const MutexLock lock(mu_);
    const auto it = batches_.find(batch);
    if (it == batches_.end()) {
      return Error(Reason::kBatchUnknown, fmt::format("batch {} is not known", batch.value));
    }
    master = it->second.second.Copy();
  }
  return crypto::CardKeysFor(master, card);
}

Result<Bytes> KeyKeeper::SealArchived(const archive::Identity& site, const archive::Change& change) const {
  return master_.Wrap("archive", ArchivedId(change), ArchivedDigest(site, change));
}

Status KeyKeeper::CheckArchived(const archive::Identity& site, const archive::Change& change) const {
  const auto sealed = master_.Unwrap("archive", ArchivedId(change), change.seal);
  if (sealed && *sealed == ArchivedDigest(site, change)) return Ok();
  return Error(Reason::kArchiveForeign,
               fmt::format("the change of bucket {} at sequence {} was not archived by this site",
                           change.bucket, change.sequence));
}

Result<Bytes> KeyKeeper::WrapChipKey(BoxSerial box, const crypto::ChipKey& key) const {
  return master_.Wrap("chip", IdBytes(box.value), key);
}

Result<crypto::ChipKey> KeyKeeper::UnwrapChipKey(const records::BoxRecord& box) const {
  HEARTH_ASSIGN_OR_RETURN(auto key, master_.Unwrap("chip", IdBytes(box.serial.value), box.wrapped_chip_key));
  return crypto::ChipKey(std::move(key));
}

Result<Bytes> KeyKeeper::NewGroupKey(GroupId group) const {
  return master_.Wrap("group", IdBytes(group.value), crypto::GroupKey::Random(random_));
}

Result<crypto::GroupKey> KeyKeeper::UnwrapGroupKey(const records::GroupRecord& group) const {
  HEARTH_ASSIGN_OR_RETURN(auto key,
                          master_.Unwrap("group", IdBytes(group.group.id.value), group.wrapped_key));
  return crypto::GroupKey(std::move(key));
}

Status KeyKeeper::NewChain(records::PackageRecord& record, PackageId package) const {
  record.anchor_epoch = plan_.Current(executor_.clock().Now()) + kChainEpochs;
  HEARTH_ASSIGN_OR_RETURN(record.wrapped_anchor, master_.Wrap("package", IdBytes(package.value),
                                                              crypto::PackageKey::Random(random_)));
  return Ok();
}

Status KeyKeeper::MakeServiceKeys(const std::vector<entitlement::Channel>& channels, uint64_t epoch) {
  if (executor_.held()) return Ok();
  // One key a service and epoch, made once: whoever comes second finds it there. In one commit.
  auto committed = executor_.RunUngated(
      store::kSystemBucket, {.actor = "hearthd", .action = "keys.service"}, [&](Txn& txn) -> Status {
        for (const entitlement::Channel& channel : channels) {
          const ObjectKey key = ServiceKeyKey(channel.service, epoch);
          HEARTH_ASSIGN_OR_RETURN(const auto existing, txn.Get(key.key));
          if (existing) continue;
          HEARTH_ASSIGN_OR_RETURN(const Bytes wrapped,
                                  master_.Wrap("service", ServiceKeyId(channel.service, epoch),
                                               crypto::ServiceKey::Random(random_)));
          txn.Put(key.key, std::string(AsChars(wrapped)));
        }
        return Ok();
      });
  return committed ? Ok() : Status(committed.error());
}

Result<uint64_t> KeyKeeper::LastStoredEpoch() const {
  uint64_t last = 0;
  HEARTH_RETURN_IF_ERROR(executor_.ForEach(
      store::kSystemBucket, "svckey/", [&](std::string_view key, std::string_view) -> Status {
        uint64_t epoch = 0;
        const std::string_view digits = key.substr(key.rfind('/') + 1);
        std::from_chars(digits.data(), digits.data() + digits.size(), epoch);
        last = std::max(last, epoch);
        return Ok();
      }));
  return last;
}

Result<std::shared_ptr<const KeyKeeper::State>> KeyKeeper::Load(UnixMillis now) {
  uint64_t with_keys = UINT64_MAX;
  if (executor_.held()) {
    HEARTH_ASSIGN_OR_RETURN(with_keys, LastStoredEpoch());
  }
  stored_.store(with_keys);
  auto state = std::make_shared<State>();
  std::tie(state->current, state->on_air) = EpochsAt(now);
  const uint64_t current = state->current;
  const uint64_t last = current + ahead_.load();
  HEARTH_RETURN_IF_ERROR(executor_.ForEach(
      store::kSystemBucket, "channel/", [&](std::string_view, std::string_view value) -> Status {
        HEARTH_ASSIGN_OR_RETURN(auto channel, records::Decode<entitlement::Channel>(value));
        state->channels.push_back(std::move(channel));
        return Ok();
      }));
  HEARTH_RETURN_IF_ERROR(executor_.ForEach(
      store::kSystemBucket, "package/", [&](std::string_view, std::string_view value) -> Status {
        HEARTH_ASSIGN_OR_RETURN(auto record, records::Decode<records::PackageRecord>(value));
        const PackageId id = record.package.id;
        HEARTH_ASSIGN_OR_RETURN(auto anchor,
                                master_.Unwrap("package", IdBytes(id.value), record.wrapped_anchor));
        State::PackageKeys package{.package = record.package, .keys = {}};
        for (const uint64_t epoch : {current, current + 1}) {
          HEARTH_ASSIGN_OR_RETURN(auto key, crypto::PackageKeyAt(crypto::PackageKey(anchor.Copy()), id,
                                                                 EpochPlan::Wrap(record.anchor_epoch),
                                                                 EpochPlan::Wrap(epoch), kChainSteps));
          package.keys.emplace(epoch, std::move(key));
        }
        state->packages.emplace(id, std::move(package));
        return Ok();
      }));
  HEARTH_RETURN_IF_ERROR(MakeServiceKeys(state->channels, current));
  const uint64_t needed = ahead_.load() > 1 ? last : state->on_air;
  for (uint64_t epoch = current + 1; epoch <= needed; ++epoch) {
    HEARTH_RETURN_IF_ERROR(MakeServiceKeys(state->channels, epoch));
  }

  auto ecm = std::make_shared<EcmSnapshot>();
  const auto plans = plans_.state();
  for (const entitlement::Channel& channel : state->channels) {
    EcmServiceOnAir service{.service = channel.service,
                            .channel = channel.name,
                            .terms = TermsOf(channel, plans->PlanOf(channel.service)),
                            .keys = {},
                            .epoch = current};
    for (uint64_t epoch = current; epoch <= last; ++epoch) {
      HEARTH_ASSIGN_OR_RETURN(const auto stored, executor_.Get(ServiceKeyKey(channel.service, epoch)));
      if (!stored) continue;
      HEARTH_ASSIGN_OR_RETURN(auto unwrapped, master_.Unwrap("service", ServiceKeyId(channel.service, epoch),
                                                             AsBytes(stored->value)));
      crypto::ServiceKey key(std::move(unwrapped));
      HEARTH_ASSIGN_OR_RETURN(auto siv, crypto::EcmSiv(key));
      service.keys.push_back({.epoch = epoch, .key = std::move(siv)});
      state->service_keys.emplace(std::pair(channel.service, epoch), std::move(key));
    }
    ecm->services.push_back(std::move(service));
  }
  std::sort(ecm->services.begin(), ecm->services.end(),
            [](const EcmServiceOnAir& a, const EcmServiceOnAir& b) { return a.service < b.service; });
  state->ecm = std::move(ecm);
  return std::shared_ptr<const State>(std::move(state));
}

std::pair<uint64_t, uint64_t> KeyKeeper::EpochsAt(UnixMillis now) const {
  const uint64_t stored = stored_.load();
  const uint64_t current = std::min({plan_.Current(now), permitted_.load(), stored});
  const uint64_t on_air = std::min(plan_.OnAir(now), current + 1);
  return {current, std::min(on_air, stored)};
}

std::vector<ServiceEpochKey> KeyKeeper::ServiceKeys() const {
  std::vector<ServiceEpochKey> keys;
  const auto now = state();
  for (const auto& [id, key] : now->service_keys) {
    keys.push_back({.service = id.first, .epoch = id.second, .key = key.Copy()});
  }
  return keys;
}

Result<bool> KeyKeeper::Refresh(UnixMillis now) {
  const MutexLock refresh(refresh_mu_);
  HEARTH_ASSIGN_OR_RETURN(auto next, Load(now));
  const MutexLock lock(mu_);
  const bool changed = state_ != nullptr && state_->on_air != next->on_air;
  state_ = std::move(next);
  ecm_version_.fetch_add(1, std::memory_order_release);
  return changed;
}

std::shared_ptr<const KeyKeeper::State> KeyKeeper::state() const {
  const MutexLock lock(mu_);
  return state_;
}

uint64_t KeyKeeper::current() const { return state()->current; }
uint64_t KeyKeeper::on_air() const { return state()->on_air; }
std::shared_ptr<const EcmSnapshot> KeyKeeper::ecm_snapshot() const { return state()->ecm; }

std::vector<entitlement::Package> KeyKeeper::PackagesOf(uint16_t province) const {
  std::vector<entitlement::Package> packages = Packages();
  std::erase_if(packages, [&](const entitlement::Package& p) { return p.province != province; });
  return packages;
}

std::vector<entitlement::Package> KeyKeeper::Packages() const {
  std::vector<entitlement::Package> packages;
  const auto now = state();  // what is iterated must outlive a Refresh
  for (const auto& [id, package] : now->packages) packages.push_back(package.package);
  return packages;
}

std::vector<entitlement::Channel> KeyKeeper::Channels() const { return state()->channels; }

Result<entitlement::Channel> KeyKeeper::ChannelOf(const ChannelRef& channel) const {
  const auto now = state();
  const auto* name = std::get_if<std::string>(&channel);
  for (const entitlement::Channel& each : now->channels) {
    if (name != nullptr ? each.name == *name : each.service == std::get<ServiceId>(channel)) return each;
  }
  return UnknownChannel(channel);
}

Result<crypto::PackageKey> KeyKeeper::PackageKeyAt(PackageId package, uint64_t epoch) const {
  const auto now = state();
  const auto it = now->packages.find(package);
  if (it == now->packages.end()) {
    return Error(Reason::kPackageUnknown, fmt::format("package {} is not known", package.value));
  }
  const auto key = it->second.keys.find(epoch);
  if (key == it->second.keys.end()) {
    return Error(Reason::kEpochNotReady,
                 fmt::format("no key of package {} for epoch {}", package.value, epoch));
  }
  return key->second.Copy();
}

Result<std::vector<std::pair<ServiceId, crypto::ServiceKey>>> KeyKeeper::ServiceKeysOf(PackageId package,
                                                                                       uint64_t epoch) const {
  const auto now = state();
  const auto it = now->packages.find(package);
  if (it == now->packages.end()) {
    return Error(Reason::kPackageUnknown, fmt::format("package {} is not known", package.value));
  }
  std::vector<std::pair<ServiceId, crypto::ServiceKey>> keys;
  for (const ServiceId service : it->second.package.services) {
    const auto key = now->service_keys.find({service, epoch});
    if (key != now->service_keys.end()) keys.emplace_back(service, key->second.Copy());
  }
  return keys;
}

}  // namespace hearth::app
