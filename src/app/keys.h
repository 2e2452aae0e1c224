// All keys the head-end works with: batch masters, package chains, service keys by epoch, group keys, chip
// keys.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "src/app/ecm_snapshot.h"
#include "src/app/executor.h"
#include "src/app/plan_book.h"
#include "src/app/request.h"
#include "src/archive/format.h"
#include "src/base/random.h"
#include "src/crypto/ladder.h"
#include "src/crypto/sign.h"
#include "src/crypto/wrap.h"

namespace hearth::app {

// Epochs follow the clock: epoch n begins at zero + n × length. In the last `lead` of an epoch the next one's
// keys are on air, and only those: cards derive the present package key from the next.
struct EpochPlan {
  UnixMillis zero;
  std::chrono::milliseconds length{14LL * 24 * 3600 * 1000};
  std::chrono::milliseconds lead{7LL * 24 * 3600 * 1000};

  uint64_t Current(UnixMillis now) const;
  bool InLead(UnixMillis now) const;
  // The epoch whose package keys are on air.
  uint64_t OnAir(UnixMillis now) const { return Current(now) + (InLead(now) ? 1 : 0); }
  static Epoch Wrap(uint64_t epoch) { return Epoch(static_cast<uint16_t>(epoch)); }
};

// With which 0x87 is signed.
struct EmergencySigner {
  uint8_t key_id = 1;  // not 0
  crypto::SigningKey key;
};

struct ServiceEpochKey {
  ServiceId service;
  uint64_t epoch = 0;
  crypto::ServiceKey key;
};

// A channel as people and programs name it.
using ChannelRef = std::variant<ServiceId, std::string>;
// CHANNEL_UNKNOWN, with its name cut to what may stand in a message.
Error UnknownChannel(const ChannelRef& channel);

// Any thread. Secrets leave only as the types of src/crypto.
class KeyKeeper {
 public:
  // Checks the master key against the store (KEY_UNWRAP_FAILED), loads batches, channels and packages, and
  // makes the keys of the present epoch.
  static Result<std::unique_ptr<KeyKeeper>> Create(Executor& executor, const PlanBook& plans,
                                                   crypto::MasterKey master, RandomSource& random,
                                                   EpochPlan plan, UnixMillis now);

  // ImportBatch: BATCH_EXISTS unless it is the same, FIELD_INVALID.
  struct NewBatch {
    BatchId id;
    CardNumber first;
    CardNumber last;
    crypto::BatchMaster master;
  };
  Result<Change> ImportBatch(const Request& request, const NewBatch& batch, const Limits& limits);
  // BATCH_UNKNOWN, CARD_OUTSIDE_BATCH.
  Status CheckCardInBatch(CardNumber card, BatchId batch) const;
  Result<crypto::CardKeys> KeysOfCard(CardNumber card, BatchId batch) const;
  // The report key alone, by the batch whose numbers the card is one of. CARD_UNKNOWN.
  Result<crypto::CardReportKey> ReportKeyOf(CardNumber card) const;

  Result<Bytes> WrapChipKey(BoxSerial box, const crypto::ChipKey& key) const;
  Result<crypto::ChipKey> UnwrapChipKey(const records::BoxRecord& box) const;
  // A fresh group key, wrapped.
  Result<Bytes> NewGroupKey(GroupId group) const;
  Result<crypto::GroupKey> UnwrapGroupKey(const records::GroupRecord& group) const;
  // A fresh chain for a package, anchored far ahead.
  Status NewChain(records::PackageRecord& record, PackageId package) const;

  // Reads the channels and packages again and makes missing keys; after a change of them, at the start of a
  // lead, and at an epoch's start (the housekeeper ticks); and makes the ECM snapshot anew with the plans as
  // the plan book has them. True when the epoch on air changed since the last
  // call.
  Result<bool> Refresh(UnixMillis now);

  // The epochs of the last Refresh: of the ECMs, and of the package keys on air.
  uint64_t current() const;
  uint64_t on_air() const;
  std::shared_ptr<const EcmSnapshot> ecm_snapshot() const;
  // Grows with each new snapshot; read without a lock.
  uint64_t ecm_version() const { return ecm_version_.load(std::memory_order_acquire); }
  // Packages of a province, and all.
  std::vector<entitlement::Package> PackagesOf(uint16_t province) const;
  std::vector<entitlement::Package> Packages() const;
  std::vector<entitlement::Channel> Channels() const;
  Result<entitlement::Channel> ChannelOf(const ChannelRef& channel) const;
  // K(package, epoch); the epoch at most the one on air.
  Result<crypto::PackageKey> PackageKeyAt(PackageId package, uint64_t epoch) const;
  // Service keys of an epoch, for those services that have one.
  Result<std::vector<std::pair<ServiceId, crypto::ServiceKey>>> ServiceKeysOf(PackageId package,
                                                                              uint64_t epoch) const;
  const EpochPlan& plan() const { return plan_; }

  // Before any other thread uses this. nullptr, as at first: no alerts.
  void SetEmergencySigner(std::shared_ptr<const EmergencySigner> signer) { signer_ = std::move(signer); }
  const EmergencySigner* emergency_signer() const { return signer_.get(); }

  // What is archived of a commit is sealed under the master key, so that nobody else can make a change that
  // would be replayed. Sealing binds site, bucket and sequence.
  Result<Bytes> SealArchived(const archive::Identity& site, const archive::Change& change) const;
  // ARCHIVE_FOREIGN unless SealArchived made the seal for this change.
  Status CheckArchived(const archive::Identity& site, const archive::Change& change) const;
  // After an archive was replayed: everything anew from the store. KEY_UNWRAP_FAILED.
  Status Reload(UnixMillis now);

  // For lanes that make ECMs by themselves: keys of so many epochs beyond the present one are made and kept
  // (1), and no epoch beyond `epoch` is used until it is permitted. Both take effect at the next Refresh.
  void KeepAhead(uint64_t epochs) { ahead_.store(epochs); }
  void Permit(uint64_t epoch) { permitted_.store(epoch); }
  // The epochs a Refresh at this time would use and put on the air: those of the plan, unless the epoch of
  // the plan is not permitted. The keys on the air are then one epoch ahead, and no more: a card keeps two.
  // In a held store no keys are made, and no epoch is used for which there are none.
  std::pair<uint64_t, uint64_t> EpochsAt(UnixMillis now) const;
  // Of all services, ascending by service and epoch.
  std::vector<ServiceEpochKey> ServiceKeys() const;

 private:
  struct State;
  KeyKeeper(Executor& executor, const PlanBook& plans, crypto::MasterKey master, RandomSource& random,
            EpochPlan plan);
  Status LoadBatches();
  Result<std::shared_ptr<const State>> Load(UnixMillis now);
  Status MakeServiceKeys(const std::vector<entitlement::Channel>& channels, uint64_t epoch);
  std::shared_ptr<const State> state() const;
  Result<uint64_t> LastStoredEpoch() const;

  Executor& executor_;
  const PlanBook& plans_;
  crypto::MasterKey master_;
  RandomSource& random_;
  EpochPlan plan_;
  std::shared_ptr<const EmergencySigner> signer_;
  std::atomic<uint64_t> ahead_{1};
  std::atomic<uint64_t> permitted_{UINT64_MAX};
  std::atomic<uint64_t> stored_{UINT64_MAX};  // in a held store: the last epoch with keys
  Mutex import_mu_;                           // one batch at a time: each is checked against all before
  Mutex refresh_mu_;
  mutable Mutex mu_;
  std::shared_ptr<const State> state_ HEARTH_GUARDED_BY(mu_);
  std::atomic<uint64_t> ecm_version_{0};
  std::map<BatchId, std::pair<records::BatchRecord, crypto::BatchMaster>> batches_ HEARTH_GUARDED_BY(mu_);
  std::map<CardNumber, BatchId> batch_from_
      HEARTH_GUARDED_BY(mu_);  // by the first card: ranges never overlap
};

}  // namespace hearth::app
