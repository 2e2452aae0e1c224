// hearthctl account, device: one account at a time.
#include <array>

#include <fmt/format.h>

#include "hearth/v1/registry.grpc.pb.h"
#include "src/base/limits.h"
#include "tools/ctl/tree.h"

namespace hearth::ctl {
namespace {

namespace v1 = hearth::v1;
using Registry = v1::RegistryService::Stub;

// As on the command line, by the numbers of Person.SubsidyClass.
const std::vector<std::string>& Classes() {
  static const std::vector<std::string> names = {"none", "five-guarantee", "disabled", "military-family",
                                                 "other"};
  return names;
}

std::string ClassName(v1::Person::SubsidyClass subsidy) {
  const auto index = static_cast<size_t>(subsidy);
  return index < Classes().size() ? Classes()[index] : std::to_string(index);
}

std::string CellsText(const google::protobuf::RepeatedPtrField<v1::HeardCell>& cells) {
  std::string text;
  for (const v1::HeardCell& cell : cells) {
    text += fmt::format("{}{} ({} dBm)", text.empty() ? "" : ", ", cell.cell(), cell.signal_dbm());
  }
  return text;
}

void AddAccountLines(const v1::Account& account, Sheet& sheet) {
  const v1::FivePartForm& form = account.form();
  sheet.Add("account", form.form_number());
  sheet.Add("state", v1::AccountState_Name(account.state()));
  sheet.Add("name", form.person().name());
  sheet.Add("person", form.person().person_id());
  sheet.AddIf("phone", form.person().phone());
  sheet.AddIf("address", form.person().address());
  sheet.Add("class", ClassName(form.person().subsidy_class()));
  sheet.Add("village", form.village());
  sheet.Add("area", account.area_id());
  sheet.Add("card", form.card_number());
  sheet.Add("box", form.box_serial());
  sheet.Add("SIM", form.sim_number());
  sheet.Add("revision", std::to_string(account.revision()));
}

void AddCardLines(const v1::CardStatus& card, Sheet& sheet) {
  std::string standing =
      fmt::format("{} since {}", v1::Standing_Name(card.standing()), LocalTime(card.since()));
  if (card.reason() != v1::STANDING_REASON_NONE) {
    standing += fmt::format(" ({})", v1::StandingReason_Name(card.reason()));
  }
  sheet.Add("standing", standing);
  sheet.AddIf("viewer code", card.viewer_code());
  sheet.Add("group", fmt::format("{}, slot {}", card.group(), card.slot()));
  if (card.has_last_report()) {
    sheet.Add("last report", fmt::format("{} {} (counter {})", LocalTime(card.last_report()),
                                         v1::Verdict_Name(card.last_verdict()), card.counter()));
    sheet.AddIf("last cells", CellsText(card.last_cells()));
  }
  sheet.AddIf("installed at", card.installed_cell());
}

void PrintHistory(const v1::Account& account, std::ostream& out) {
  if (account.history().empty()) return;
  out << '\n';
  Table table({{"time"}, {"actor"}, {"action"}, {"detail"}, {"reason"}, {"approver"}});
  for (const v1::HistoryEntry& entry : account.history()) {
    table.Add({LocalTime(entry.time()), entry.actor(), entry.action(), entry.detail(), OrDash(entry.reason()),
               OrDash(entry.approver())});
  }
  table.Print(out);
}

void PrintAccount(Session& session, const v1::Account& account) {
  Sheet sheet;
  AddAccountLines(account, sheet);
  sheet.Print(session.out());
}

struct OpenFlags {
  std::string form_number;
  std::string name;
  std::string person_id;
  std::string phone;
  std::string address;
  std::string subsidy_class = "none";
  std::string village;
  std::string card;
  std::string box;
  std::string sim;
  ChangeFlags change;
};

void DeclareOpen(CLI::App& command, OpenFlags& flags) {
  command.add_option("--form-number", flags.form_number, "Number of the five-part form")
      ->type_name("FORM")
      ->required();
  command.add_option("--name", flags.name, "Name of the person")->type_name("TEXT")->required();
  command.add_option("--person-id", flags.person_id, "Identity number, 18 characters")
      ->type_name("ID")
      ->required()
      ->check(CLI::Validator(
          [](std::string& text) -> std::string {
            return CheckPersonId(text) ? "" : "must be 18 characters with a right check digit (GB 11643)";
          },
          ""));
  command.add_option("--phone", flags.phone, "Telephone number")->type_name("TEXT");
  command.add_option("--address", flags.address, "Address")->type_name("TEXT");
  OneOf(command.add_option("--class", flags.subsidy_class, "Class of subsidy (default none)"), Classes());
  VillageNumber(command.add_option("--village", flags.village,
                                   "12-digit division of the home, 14 of a natural village"))
      ->required();
  Card(command.add_option("--card", flags.card, "Card number, 12 digits"))->required();
  Box(command.add_option("--box", flags.box, "Box serial, 16 digits"))->required();
  Sim(command.add_option("--sim", flags.sim, "SIM number, 11 digits"))->required();
  DeclareChange(command, flags.change, false);
}

int RunOpen(Session& session, const OpenFlags& flags) {
  v1::OpenAccountRequest request;
  v1::FivePartForm& form = *request.mutable_form();
  form.set_form_number(flags.form_number);
  form.mutable_person()->set_name(flags.name);
  form.mutable_person()->set_person_id(flags.person_id);
  form.mutable_person()->set_phone(flags.phone);
  form.mutable_person()->set_address(flags.address);
  const auto found = std::find(Classes().begin(), Classes().end(), flags.subsidy_class);
  form.mutable_person()->set_subsidy_class(static_cast<v1::Person::SubsidyClass>(found - Classes().begin()));
  form.set_village(flags.village);
  form.set_card_number(flags.card);
  form.set_box_serial(flags.box);
  form.set_sim_number(flags.sim);
  return session.Change(
      &Registry::OpenAccount, request, flags.change,
      [&](const v1::OpenAccountResponse& answer) { PrintAccount(session, answer.account()); });
}

struct ShowFlags {
  std::string form;
  std::string card;
  std::string box;
  std::string sim;
};

void DeclareShow(CLI::App& command, ShowFlags& flags) {
  CLI::App* by = OptionGroup(command, "by", 1);
  by->add_option("--form", flags.form, "By number of the five-part form")->type_name("FORM");
  Card(by->add_option("--card", flags.card, "By card number"));
  Box(by->add_option("--box", flags.box, "By box serial"));
  Sim(by->add_option("--sim", flags.sim, "By SIM number"));
}

int RunShow(Session& session, const ShowFlags& flags) {
  v1::GetAccountRequest request;
  if (!flags.form.empty()) request.set_form_number(flags.form);
  if (!flags.card.empty()) request.set_card_number(flags.card);
  if (!flags.box.empty()) request.set_box_serial(flags.box);
  if (!flags.sim.empty()) request.set_sim_number(flags.sim);
  return session.Read(&Registry::GetAccount, request, [&](const v1::GetAccountResponse& answer) {
    Sheet sheet;
    AddAccountLines(answer.account(), sheet);
    AddCardLines(answer.card(), sheet);
    sheet.Print(session.out());
    PrintHistory(answer.account(), session.out());
  });
}

struct ListFlags {
  std::string region;
};

int RunList(Session& session, const ListFlags& flags) {
  v1::ListAccountsRequest request;
  request.set_region(flags.region);
  request.set_revision_token(session.globals().revision_token);
  request.mutable_page()->set_size(static_cast<uint32_t>(Limits().page_items));
  Table table({{"account"}, {"state"}, {"village"}, {"card"}, {"name"}});
  return session.List(&Registry::ListAccounts, request, [&](const v1::ListAccountsResponse& answer) {
    for (const v1::AccountSummary& account : answer.accounts()) {
      table.Add({account.form_number(), v1::AccountState_Name(account.state()), account.village(),
                 account.card_number(), account.name()});
    }
    table.Print(session.out());
  });
}

struct CloseFlags {
  std::string form;
  ChangeFlags change;
};

int RunClose(Session& session, const CloseFlags& flags) {
  v1::CloseAccountRequest request;
  request.set_form_number(flags.form);
  if (!session.Confirm(fmt::format("Close account {}? The home goes dark.", Printable(flags.form)))) {
    return session.Declined();
  }
  return session.Change(
      &Registry::CloseAccount, request, flags.change,
      [&](const v1::CloseAccountResponse& answer) { PrintAccount(session, answer.account()); });
}

struct SwapFlags {
  std::string form;
  std::string card;
  std::string box;
  std::string sim;
  ChangeFlags change;
};

void DeclareSwap(CLI::App& command, SwapFlags& flags) {
  command.add_option("form", flags.form, "Number of the five-part form")->type_name("FORM")->required();
  CLI::App* devices = OptionGroup(command, "new devices", 3);
  Card(devices->add_option("--card", flags.card, "The new card"));
  Box(devices->add_option("--box", flags.box, "The new box"));
  Sim(devices->add_option("--sim", flags.sim, "The new SIM"));
  DeclareChange(command, flags.change, true);
}

int RunSwap(Session& session, const SwapFlags& flags) {
  v1::SwapDeviceRequest request;
  request.set_form_number(flags.form);
  request.set_new_card_number(flags.card);
  request.set_new_box_serial(flags.box);
  request.set_new_sim_number(flags.sim);
  if (!session.Confirm(
          fmt::format("Swap devices of account {}? The home is dark until it is installed again.",
                      Printable(flags.form)))) {
    return session.Declined();
  }
  return session.Change(
      &Registry::SwapDevice, request, flags.change,
      [&](const v1::SwapDeviceResponse& answer) { PrintAccount(session, answer.account()); });
}

}  // namespace

void AddAccountCommands(Tree& tree) {
  tree.Noun("account", "Accounts of subscribers");
  tree.Add<OpenFlags>("account", "open", "Opens an account from a five-part form", DeclareOpen, RunOpen);
  tree.Add<ShowFlags>("account", "show", "One account with the state of its card", DeclareShow, RunShow);
  tree.Add<ListFlags>(
      "account", "list", "Accounts below a division",
      [](CLI::App& command, ListFlags& flags) {
        RegionNumber(command.add_option("--region", flags.region, "Division; without it all"));
      },
      RunList);
  tree.Add<CloseFlags>(
      "account", "close", "Closes an account and frees its devices",
      [](CLI::App& command, CloseFlags& flags) {
        command.add_option("form", flags.form, "Number of the five-part form")->type_name("FORM")->required();
        DeclareChange(command, flags.change, true);
      },
      RunClose);
  tree.Noun("device", "Devices of an account");
  tree.Add<SwapFlags>("device", "swap", "Replaces card, box or SIM without closing", DeclareSwap, RunSwap);
}

}  // namespace hearth::ctl
