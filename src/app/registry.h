// Stock, accounts, swaps (RegistryService). What spans buckets runs as a saga: see the .cc.
#pragma once

#include <optional>
#include <variant>
#include <vector>

#include "src/app/geo.h"
#include "src/app/keys.h"
#include "src/app/request.h"
#include "src/app/row.h"

namespace hearth::app {

struct StockCard {
  CardNumber card;
  BatchId batch;
};
struct StockBox {
  BoxSerial serial;
  std::string encrypted_serial;
  std::string imei;
  std::string model;
  crypto::ChipKey chip_key;
};
struct StockSim {
  SimNumber sim;
  std::string iccid;
};
using StockItem = std::variant<StockCard, StockBox, StockSim>;
struct StockRow {
  uint64_t line = 0;
  Result<StockItem> item;  // an error: the row was malformed, and is reported as such
};

struct RosterRow {
  uint64_t line = 0;
  Result<entitlement::Form> form;
};

struct AccountView {
  entitlement::Account account;
  uint64_t revision = 0;
};
struct AccountChanged {
  Change change;
  AccountView view;
};

// Tests stop a saga after any step to see that it can be finished by another instance. Never set in the
// daemon.
using SagaProbe = std::function<Status(std::string_view step)>;

// Threads: any; calls block until synced.
class Registry {
 public:
  Registry(Executor& executor, KeyKeeper& keys, GeoState& geo, const Limits& limits, Logger& log);

  std::vector<RowResult> ImportStock(const Request& request, const std::vector<StockRow>& rows);

  Result<AccountChanged> Open(const Request& request, const entitlement::Form& form);
  // Opens the rows side by side; row n uses request.id.ForRow(line).
  std::vector<RowResult> ImportRoster(const Request& request, const std::vector<RosterRow>& rows);
  Result<AccountChanged> Swap(const Request& request, std::string_view form_number,
                              const entitlement::Devices& wanted);
  Result<AccountChanged> Close(const Request& request, std::string_view form_number);

  Result<AccountView> Get(std::string_view form_number);
  // The account that holds this card, box or SIM: CARD_UNKNOWN … when not in stock, CARD_NOT_IN_ACCOUNT
  // (ACCOUNT_UNKNOWN for box and SIM) when in none.
  Result<AccountView> GetByCard(CardNumber card);
  Result<AccountView> GetByBox(BoxSerial box);
  Result<AccountView> GetBySim(SimNumber sim);
  // The card's record; CARD_UNKNOWN.
  Result<Versioned<records::CardRecord>> Card(CardNumber card);
  // The same, after whatever opening or swap of its account is still unfinished.
  Result<Versioned<records::CardRecord>> SettledCard(CardNumber card);

  // The area that sells in a village, or in the natural village of it that is named (serial, 0: none is).
  // REGION_UNKNOWN, NOT_IN_SERVICE_AREA with the violation at `field`, NO_PACKAGE_FOR_PROVINCE.
  Result<AreaId> SellingArea(RegionCode village, uint8_t natural,
                             std::string_view field = "form.village") const;

  // Finishes or gives up the intent of an account that a crash (or a caller that went away) left behind.
  // Harmless when there is none.
  Status Settle(std::string_view form_number);
  // All of them; at start, before anything is served. The number settled.
  Result<size_t> Recover();

  void SetProbe(SagaProbe probe) { probe_ = std::move(probe); }

 private:
  struct Claimed {
    entitlement::ClaimKind kind;
    ObjectKey key;
    uint64_t number;
    std::string thing;
  };

  Status Probe(std::string_view step) const { return probe_ ? probe_(step) : Ok(); }
  RowResult ImportStockRow(const Request& request, const StockRow& row);
  Result<Outcome> ImportStockItem(const Request& request, const StockItem& item, bool& existed);

  using Check = std::function<Status()>;
  using Decide =
      std::function<Result<entitlement::Account>(const entitlement::Account*, const Act&, UnixMillis)>;
  Status CheckStock(const entitlement::Devices& devices);
  Result<AccountChanged> Change(const Request& request, std::string_view form_number, const Act& act,
                                const Check& check, const Decide& decide);
  Result<std::optional<AccountChanged>> TryChange(const Request& request, std::string_view form_number,
                                                  Act act, const Decide& decide);
  Result<std::optional<AccountChanged>> DryRun(entitlement::Account begun);
  Status RegisterRequest(const Request& request, std::string_view form_number, const Check& check);
  Result<AccountView> Drive(std::string_view form_number);
  std::vector<Claimed> NeededClaims(const entitlement::Account& account) const;
  Status ClaimAll(const entitlement::Account& account);
  // CONCURRENT_EDIT when the intent has left the phase.
  Status CheckPhase(std::string_view form_number, const RequestId& intent, entitlement::IntentPhase phase);
  Status ClaimOne(const Claimed& wanted, const entitlement::Claim& claim);
  Result<bool> FinishHolder(const Error& refusal);
  Status ReleaseOne(const Claimed& held, const std::function<Result<bool>(const entitlement::Claim&)>& ours);
  Result<entitlement::GroupSlot> JoinGroup(const entitlement::Account& account);
  Result<GroupId> AdvanceGroup(RegionCode township, GroupId from);
  Status Abort(const entitlement::Account& account);
  Status TakeEffect(const entitlement::Account& account, const entitlement::GroupSlot& place);
  Status Finish(const entitlement::Account& account);
  Status BindCard(const entitlement::Account& account);
  Status UnbindCard(const entitlement::Account& account, CardNumber card, entitlement::StandingReason reason);
  Result<Versioned<entitlement::Account>> Load(std::string_view form_number);
  Result<entitlement::ClaimFate> FateOf(const Claimed& thing, const entitlement::Claim& claim);
  Result<AccountView> HomeOf(const Claimed& thing, const entitlement::Claim& claim, Reason unclaimed);

  Executor& executor_;
  KeyKeeper& keys_;
  GeoState& geo_;
  const Limits limits_;
  Logger& log_;
  SagaProbe probe_;
  Mutex advance_mu_;
};

}  // namespace hearth::app
