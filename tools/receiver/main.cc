// hearth-receiver: the virtual receiver as a program. See hearth-receiver.1.
#include <functional>

#include <CLI/CLI.hpp>

#include "tools/receiver/commands.h"

namespace hearth::receiver {
namespace {

constexpr const char* kFooter =
    "Exit codes: 0 done, 2 wrong usage, 3 refused or dark (or --until was not met), 4 bad input.";

// Options shared by the subcommands that work on a receiver.
void AddPlace(CLI::App* app, Place* place, bool box_required) {
  app->add_option("--card-state", place->card_state,
                  "File with the card's state; without it no card is in the box");
  auto* box = app->add_option("--box-state", place->box_state, "File with the box's state");
  if (box_required) box->required();
  app->add_flag("--json", place->json, "Print JSON");
}

void AddAir(CLI::App* app, AirOptions* options) {
  app->add_option("--sections", options->sections,
                  "Where sections come from: FILE, - (standard input), tcp:HOST:PORT or unix:PATH");
  app->add_option("--for", options->seconds, "End after this many seconds")->check(CLI::Range(0.0, 1e9));
  app->add_option(
      "--until", options->until,
      "End as soon as this holds: dark, lit, opens, paired, record, keys, alarm, drill, E01, E04, "
      "E09 or E14");
  app->add_option("--ecm", options->ecm, "An ECM in hexadecimal that --until opens tries after each section");
  app->add_flag("--new-only", options->new_only, "Of a file, skip what stands in it already");
}

void AddCells(CLI::App* app, std::vector<std::string>* cells, bool* no_signal) {
  app->add_option("--cell", *cells,
                  "A cell heard, RADIO:MCC:MNC:AREA:CELL[@DBM], e.g. lte:460:00:33301:26879745@-75; "
                  "the serving cell first, then its neighbours");
  app->add_flag("--no-signal", *no_signal, "No cell is heard");
}

class Program {
 public:
  Program() : app_("A virtual receiver for Hearth: a smart card and a set-top box.", "hearth-receiver") {
    app_.require_subcommand(1);
    app_.footer(kFooter);
    AddPersonalise();
    AddNew();
    AddFeed();
    AddWatch();
    AddRead();
    AddPower();
    AddReport();
    AddEcm();
    AddPlay();
    AddStatus();
  }

  int Run(int argc, char** argv) {
    try {
      app_.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      return app_.exit(error) == 0 ? kExitOk : kExitUsage;
    }
    return run_();
  }

 private:
  CLI::App* Sub(const char* name, const char* help, std::function<int()> run) {
    CLI::App* sub = app_.add_subcommand(name, help);
    sub->callback([this, run = std::move(run)] { run_ = run; });
    return sub;
  }

  void AddPersonalise() {
    CLI::App* sub = Sub("personalise", "Make a batch of cards, boxes and SIMs as CSV files for the head-end",
                        [this] { return RunPersonalise(personalise_, place_.json); });
    PersonaliseOptions& o = personalise_;
    sub->add_option("--out", o.out, "Directory for batches.csv, cards.csv, boxes.csv and sims.csv")
        ->required();
    sub->add_option("--batch", o.batch, "Number of the batch, 1 to 65535")->required();
    sub->add_option("--first-card", o.first_card, "First card number, 12 digits")->required();
    sub->add_option("--count", o.count, "How many cards, boxes and SIMs, up to 10000000")->required();
    sub->add_option("--first-box", o.first_box, "First box serial, 16 digits")->required();
    sub->add_option("--first-sim", o.first_sim, "First SIM number, 11 digits")->required();
    sub->add_option("--model", o.model, "Model of the boxes")->capture_default_str();
    sub->add_option("--emergency-keys", o.emergency_keys,
                    "Copy the public emergency keys from this emergency.csv instead of making keys");
    sub->add_option("--seed", o.seed, "Make the same keys for the same seed: for tests only");
    sub->add_flag("--json", place_.json, "Print JSON");
  }

  void AddNew() {
    CLI::App* sub = Sub("new", "Make a card, a box or both from the files of personalise",
                        [this] { return RunNew(new_, place_); });
    sub->add_option("--from", new_.from, "Directory that personalise made")->required();
    sub->add_option("--card", new_.card, "Card number, 12 digits");
    sub->add_option("--box", new_.box, "Box serial, 16 digits");
    sub->add_option("--sim", new_.sim, "SIM in the box; without it the one of the box's row");
    AddPlace(sub, &place_, false);
  }

  void AddFeed() {
    CLI::App* sub = Sub("feed", "Give sections to the receiver and keep what it takes",
                        [this] { return RunFeed(air_, place_); });
    AddAir(sub, &air_);
    sub->add_flag("--follow", air_.follow, "Wait for more at the end of a file, and for a socket to answer");
    sub->add_flag("--verbose", air_.verbose, "Print what becomes of each section");
    AddPlace(sub, &place_, true);
  }

  void AddWatch() {
    CLI::App* sub =
        Sub("watch", "Follow sections and print each change of what the viewer sees, as JSON lines",
            [this] { return RunWatch(air_, place_); });
    AddAir(sub, &air_);
    AddPlace(sub, &place_, true);
  }

  void AddRead() {
    CLI::App* sub =
        Sub("read", "One reading of the box's location module", [this] { return RunRead(read_, place_); });
    AddCells(sub, &read_.cells, &read_.no_signal);
    sub->add_option("--module", read_.module, "State of the module: ok, missing or changed")
        ->capture_default_str();
    sub->add_option("--at", read_.at, "Time of the reading, RFC 3339; without it now");
    sub->add_option("--powered-hours", read_.powered_hours,
                    "Hours the box was powered since the last reading; without it all the time");
    AddPlace(sub, &place_, true);
  }

  void AddPower() {
    CLI::App* sub = Sub("power", "Switch the box on or to standby, from which an alarm wakes it",
                        [this] { return RunPower(power_, place_); });
    sub->add_option("state", power_, "on or standby")->required();
    AddPlace(sub, &place_, true);
  }

  void AddReport() {
    CLI::App* sub = Sub("report", "Print a signed location report as JSON",
                        [this] { return RunReport(report_, place_); });
    AddCells(sub, &report_.cells, &report_.no_signal);
    sub->add_option("--fix", report_.fix, "Say where a satellite receiver is: LATITUDE,LONGITUDE,METRES")
        ->type_name("FIX");
    sub->add_option("--sim", report_.sim, "SIM to name; without it the one in the box");
    sub->add_option("--at", report_.at, "Time of the report, RFC 3339; without it now");
    AddPlace(sub, &place_, true);
  }

  void AddEcm() {
    CLI::App* sub = Sub("ecm", "Open ECMs: print their control words, or why not",
                        [this] { return RunEcm(ecm_, place_); });
    auto* given = sub->add_option_group("section", "");
    given->add_option("--section", ecm_.section, "One ECM in hexadecimal");
    given->add_option("--file", ecm_.file, "File with ECMs");
    given->require_option(1);
    AddPlace(sub, &place_, true);
  }

  void AddPlay() {
    CLI::App* sub = Sub("play", "Descramble a programme of a transport stream, taking the EMMs in it",
                        [this] { return RunPlay(play_, place_); });
    sub->add_option("--in", play_.in,
                    "Where the stream comes from: FILE, - (standard input), tcp:HOST:PORT or unix:PATH");
    sub->add_option("--out", play_.out, "File for the stream as descrambled, or - for standard output");
    sub->add_option("--service", play_.service, "Programme number; without it the first of the PAT");
    sub->add_option("--ca-system-id", play_.ca_system_id, "Heed only CA_descriptors of this CA system");
    sub->add_option("--suite", play_.suite, "Private byte of the CA_descriptors to heed")
        ->capture_default_str()
        ->check(CLI::Range(0, 255));
    sub->add_flag("--follow", play_.follow, "Wait for more at the end of a file, and for a socket to answer");
    sub->add_option("--for", play_.seconds, "End after this many seconds")->check(CLI::Range(0.0, 1e9));
    AddPlace(sub, &place_, true);
  }

  void AddStatus() {
    CLI::App* sub =
        Sub("status", "Print what card and box hold, never keys", [this] { return RunStatus(place_); });
    AddPlace(sub, &place_, true);
  }

  CLI::App app_;
  std::function<int()> run_;
  Place place_;
  std::string power_;
  PersonaliseOptions personalise_;
  NewOptions new_;
  AirOptions air_;
  ReadOptions read_;
  ReportOptions report_;
  EcmOptions ecm_;
  PlayOptions play_;
};

}  // namespace
}  // namespace hearth::receiver

int main(int argc, char** argv) { return hearth::receiver::Program().Run(argc, argv); }
