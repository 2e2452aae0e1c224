#include "src/app/registry.h"

#include <algorithm>

#include <fmt/format.h>

#include "src/app/parallel.h"

namespace hearth::app {
namespace {

using entitlement::Account;
using entitlement::Devices;

// Rows of a bulk call at once: enough that one sync serves many of them.
constexpr size_t kRowThreads = 32;

// Puts a stock object unless the same one is there. `same` compares what the file gives, not the claim.
template <typename T, typename Same>
Result<Outcome> PutStock(Executor& executor, const ObjectKey& key, const Request& request, const T& fresh,
                         Reason taken, const Limits& limits, bool& existed, const Same& same) {
  return RunOnce(executor, key.bucket, request, {.action = "stock.import"}, limits,
                 [&](Txn& txn) -> Result<std::string> {
                   HEARTH_ASSIGN_OR_RETURN(const auto former, txn.Read<T>(key.key));
                   existed = former && same(former->value);
                   if (former && !existed) {
                     return Error(taken, fmt::format("{} is in stock with other content", key.key));
                   }
                   if (!former) txn.Write(key.key, fresh);
                   return std::string();
                 });
}

}  // namespace

Registry::Registry(Executor& executor, KeyKeeper& keys, GeoState& geo, const Limits& limits, Logger& log)
    : executor_(executor), keys_(keys), geo_(geo), limits_(limits), log_(log) {}

Result<Outcome> Registry::ImportStockItem(const Request& request, const StockItem& item, bool& existed) {
  if (const auto* card = std::get_if<StockCard>(&item)) {
    HEARTH_RETURN_IF_ERROR(keys_.CheckCardInBatch(card->card, card->batch));
    records::CardRecord record;
    record.card.number = card->card;
    record.card.batch = card->batch;
    return PutStock(executor_, CardKey(card->card), request, record, Reason::kCardExists, limits_, existed,
                    [&](const records::CardRecord& former) { return former.card.batch == card->batch; });
  }
  if (const auto* box = std::get_if<StockBox>(&item)) {
    records::BoxRecord record{.serial = box->serial,
                              .encrypted_serial = box->encrypted_serial,
                              .imei = box->imei,
                              .model = box->model,
                              .wrapped_chip_key = {},
                              .claim = {}};
    HEARTH_ASSIGN_OR_RETURN(record.wrapped_chip_key, keys_.WrapChipKey(box->serial, box->chip_key));
    return PutStock(executor_, BoxKey(box->serial), request, record, Reason::kBoxExists, limits_, existed,
                    [&](records::BoxRecord former) {
                      former.claim = {};
                      return former == record;
                    });
  }
  const auto& sim = std::get<StockSim>(item);
  const records::SimRecord record{.number = sim.sim, .iccid = sim.iccid, .claim = {}};
  return PutStock(executor_, SimKey(sim.sim), request, record, Reason::kSimExists, limits_, existed,
                  [&](const records::SimRecord& former) { return former.iccid == sim.iccid; });
}

RowResult Registry::ImportStockRow(const Request& request, const StockRow& row) {
  RowResult result{.line = row.line};
  if (!row.item) {
    result.outcome = RowOutcome::kRefused;
    result.error = row.item.error();
    return result;
  }
  Request of_row = request;
  of_row.id = request.id.ForRow(row.line);
  bool existed = false;
  auto outcome = ImportStockItem(of_row, *row.item, existed);
  if (!outcome) {
    result.outcome = RowOutcome::kRefused;
    result.error = outcome.error();
  } else if (existed || outcome->change.repeated) {
    result.outcome = RowOutcome::kExisted;
  }
  return result;
}

std::vector<RowResult> Registry::ImportStock(const Request& request, const std::vector<StockRow>& rows) {
  std::vector<RowResult> results(rows.size());
  InParallel(rows.size(), kRowThreads, [&](size_t i) { results[i] = ImportStockRow(request, rows[i]); });
  return results;
}

namespace {

// The areas that sell in a village, or in the natural village of it that is named. More than one: the village
// is shared, and nothing says in which part of it the home is.
std::vector<AreaId> SellersOf(const GeoSnapshot& geo, const Villages& villages, RegionCode village,
                              uint8_t natural) {
  std::vector<AreaId> sellers;
  const auto add = [&](geofence::PlaceCode place) {
    const auto area = geo.HolderOf(place);
    if (!area || !geofence::MaySell(geo.areas.at(*area).value.state)) return;
    if (std::find(sellers.begin(), sellers.end(), *area) == sellers.end()) sellers.push_back(*area);
  };
  add(geofence::WholeVillage(village));
  if (!sellers.empty()) return sellers;
  for (const geofence::Village& part : villages.NaturalsOf(village)) {
    if (natural == 0 || part.place.value % 100 == natural) add(part.place);
  }
  return sellers;
}

}  // namespace

Result<AreaId> Registry::SellingArea(RegionCode village, uint8_t natural, std::string_view field) const {
  const auto geo = geo_.snapshot();
  if (geo->regions.Find(village) == nullptr) {
    return Error(Reason::kRegionUnknown, fmt::format("village {} is not known", ToString(village)))
        .Field(std::string(field), "a village of the imported divisions");
  }
  const std::vector<AreaId> sellers = SellersOf(*geo, geo_.villages(), village, natural);
  if (sellers.empty()) {
    return Error(Reason::kNotInServiceArea, fmt::format("village {} ({}) is in no approved service area",
                                                        ToString(village), geo->regions.PathName(village)))
        .Field(std::string(field), "a village of an approved service area");
  }
  if (sellers.size() > 1) {
    return Error(Reason::kNotInServiceArea,
                 fmt::format("village {} ({}) is shared by the areas {} and {}", ToString(village),
                             geo->regions.PathName(village), ToString(sellers[0]), ToString(sellers[1])))
        .Field(std::string(field), "the 14 digits of the natural village");
  }
  const auto province = static_cast<uint16_t>(Ancestor(village, RegionLevel::kProvince).value);
  if (keys_.PackagesOf(province).empty()) {
    return Error(Reason::kNoPackageForProvince, fmt::format("province {} has no package", province));
  }
  return sellers.front();
}

Status Registry::CheckStock(const Devices& devices) {
  if (devices.card.value != 0) {
    HEARTH_ASSIGN_OR_RETURN(const auto card, Card(devices.card));
    HEARTH_RETURN_IF_ERROR(entitlement::CheckNotEvicted(card.value.card));
  }
  if (devices.box.value != 0) {
    HEARTH_ASSIGN_OR_RETURN(const auto box, executor_.Get(BoxKey(devices.box)));
    if (!box) return Error(Reason::kBoxUnknown, fmt::format("box {} is not in stock", ToString(devices.box)));
  }
  if (devices.sim.value != 0) {
    HEARTH_ASSIGN_OR_RETURN(const auto sim, executor_.Get(SimKey(devices.sim)));
    if (!sim) return Error(Reason::kSimUnknown, fmt::format("SIM {} is not in stock", ToString(devices.sim)));
  }
  return Ok();
}

Result<AccountChanged> Registry::Open(const Request& request, const entitlement::Form& form) {
  HEARTH_RETURN_IF_ERROR(entitlement::CheckForm(form, limits_));
  const auto check = [&]() -> Status {
    HEARTH_ASSIGN_OR_RETURN(const AreaId area, SellingArea(form.village, form.natural_village));
    (void)area;
    return CheckStock(form.devices);
  };
  return Change(request, form.form_number, {.action = "account.open"}, check,
                [&](const Account* existing, const Act& act, UnixMillis now) -> Result<Account> {
                  HEARTH_ASSIGN_OR_RETURN(const AreaId area, SellingArea(form.village, form.natural_village));
                  return entitlement::DecideOpen(form, area, existing, request.id,
                                                 {act.actor, act.reason, act.approver, now});
                });
}

Result<AccountChanged> Registry::Swap(const Request& request, std::string_view form_number,
                                      const Devices& wanted) {
  HEARTH_RETURN_IF_ERROR(entitlement::CheckFormNumber(form_number));
  const auto check = [&]() -> Status {
    HEARTH_ASSIGN_OR_RETURN(const auto account, Load(form_number));
    HEARTH_RETURN_IF_ERROR(CheckStock(wanted));
    const CardNumber now = account.value.form.devices.card;
    if (wanted.card.value != 0 || account.value.state == entitlement::AccountState::kClosed) return Ok();
    HEARTH_ASSIGN_OR_RETURN(const auto card, Card(now));
    return entitlement::CheckNotEvicted(card.value.card);
  };
  return Change(request, form_number, {.action = "device.swap"}, check,
                [&](const Account* existing, const Act& act, UnixMillis now) -> Result<Account> {
                  if (existing == nullptr) {
                    return Error(Reason::kAccountUnknown,
                                 fmt::format("account {} is not known", form_number));
                  }
                  return entitlement::DecideSwap(*existing, wanted, request.id,
                                                 {act.actor, act.reason, act.approver, now});
                });
}

Result<AccountChanged> Registry::Close(const Request& request, std::string_view form_number) {
  HEARTH_RETURN_IF_ERROR(entitlement::CheckFormNumber(form_number));
  const auto check = [&]() -> Status {
    HEARTH_ASSIGN_OR_RETURN(const auto account, Load(form_number));
    (void)account;
    return Ok();
  };
  return Change(
      request, form_number, {.action = "account.close"}, check,
      [&](const Account* existing, const Act& act, UnixMillis now) -> Result<Account> {
        if (existing == nullptr) {
          return Error(Reason::kAccountUnknown, fmt::format("account {} is not known", form_number));
        }
        return entitlement::DecideClose(*existing, request.id, {act.actor, act.reason, act.approver, now});
      });
}

std::vector<RowResult> Registry::ImportRoster(const Request& request, const std::vector<RosterRow>& rows) {
  std::vector<RowResult> results(rows.size());
  InParallel(rows.size(), kRowThreads, [&](size_t i) {
    const RosterRow& row = rows[i];
    RowResult& result = results[i];
    result.line = row.line;
    const auto refuse = [&](const Error& error) {
      result.outcome = RowOutcome::kRefused;
      result.error = error;
    };
    if (!row.form) return refuse(row.form.error());
    Request of_row = request;
    of_row.id = request.id.ForRow(row.line);
    const auto opened = Open(of_row, *row.form);
    if (opened) {
      if (opened->change.repeated) result.outcome = RowOutcome::kExisted;
      return;
    }
    if (opened.error().reason() == Reason::kAccountExists) {
      const auto existing = Get(row.form->form_number);
      if (existing && existing->account.form == *row.form &&
          existing->account.state != entitlement::AccountState::kClosed) {
        result.outcome = RowOutcome::kExisted;
        return;
      }
    }
    refuse(opened.error());
  });
  return results;
}

Result<Versioned<Account>> Registry::Load(std::string_view form_number) {
  HEARTH_ASSIGN_OR_RETURN(auto account, executor_.Read<Account>(AccountKey(form_number)));
  if (!account) {
    return Error(Reason::kAccountUnknown, fmt::format("account {} is not known", form_number));
  }
  return std::move(*account);
}

Result<AccountView> Registry::Get(std::string_view form_number) {
  HEARTH_RETURN_IF_ERROR(entitlement::CheckFormNumber(form_number));
  HEARTH_ASSIGN_OR_RETURN(auto account, Load(form_number));
  return AccountView{.account = std::move(account.value), .revision = account.revision};
}

Result<Versioned<records::CardRecord>> Registry::Card(CardNumber card) {
  HEARTH_ASSIGN_OR_RETURN(auto record, executor_.Read<records::CardRecord>(CardKey(card)));
  if (!record) {
    return Error(Reason::kCardUnknown, fmt::format("card {} is not in stock", ToString(card)));
  }
  return std::move(*record);
}

Result<Versioned<records::CardRecord>> Registry::SettledCard(CardNumber number) {
  HEARTH_ASSIGN_OR_RETURN(auto record, Card(number));
  const entitlement::Card& card = record.value.card;
  if (!card.claim.held() || card.settled == card.claim.intent) return record;
  HEARTH_RETURN_IF_ERROR(Settle(card.claim.account));
  return Card(number);
}

Result<AccountView> Registry::HomeOf(const Claimed& thing, const entitlement::Claim& claim,
                                     Reason unclaimed) {
  HEARTH_ASSIGN_OR_RETURN(const auto fate, FateOf(thing, claim));
  if (fate == entitlement::ClaimFate::kDead) {
    return Error(unclaimed, fmt::format("{} {} belongs to no account", NameOf(thing.kind), thing.thing));
  }
  return Get(claim.account);
}

Result<AccountView> Registry::GetByCard(CardNumber card) {
  HEARTH_ASSIGN_OR_RETURN(const auto record, Card(card));
  return HomeOf({entitlement::ClaimKind::kCard, CardKey(card), card.value, ToString(card)},
                record.value.card.claim, Reason::kCardNotInAccount);
}

Result<AccountView> Registry::GetByBox(BoxSerial box) {
  HEARTH_ASSIGN_OR_RETURN(const auto record, executor_.Read<records::BoxRecord>(BoxKey(box)));
  if (!record) return Error(Reason::kBoxUnknown, fmt::format("box {} is not in stock", ToString(box)));
  return HomeOf({entitlement::ClaimKind::kBox, BoxKey(box), box.value, ToString(box)}, record->value.claim,
                Reason::kAccountUnknown);
}

Result<AccountView> Registry::GetBySim(SimNumber sim) {
  HEARTH_ASSIGN_OR_RETURN(const auto record, executor_.Read<records::SimRecord>(SimKey(sim)));
  if (!record) return Error(Reason::kSimUnknown, fmt::format("SIM {} is not in stock", ToString(sim)));
  return HomeOf({entitlement::ClaimKind::kSim, SimKey(sim), sim.value, ToString(sim)}, record->value.claim,
                Reason::kAccountUnknown);
}

}  // namespace hearth::app
