// hearth-scs: a small scrambler. See hearth-scs.1.
#include <CLI/CLI.hpp>

#include "tools/scs/run.h"

int main(int argc, char** argv) {
  using namespace hearth::scs;
  Options options;
  CLI::App app("A scrambler (SCS) to try an ECMG with: scrambles programmes of a transport stream.",
               "hearth-scs");
  app.footer(
      "Exit codes: 0 done, 2 wrong usage, 3 the ECMG or the output failed, 4 the input cannot be used.");
  app.add_option("--ecmg", options.ecmgs,
                 "HOST:PORT of the ECMG; give more than one to turn to when it fails")
      ->required();
  app.add_option("--super-cas-id", options.super_cas_id, "Super_CAS_id, such as 0x4A750001")->required();
  app.add_option("--channel-id", options.channel_id, "ECM_channel_id")->capture_default_str();
  app.add_option("--protocol-version", options.version, "SimulCrypt protocol version to begin with")
      ->capture_default_str()
      ->check(CLI::Range(1, 255));
  app.add_option("--in", options.in, "Transport stream: FILE, or - for standard input")
      ->capture_default_str();
  app.add_option("--out", options.out, "Scrambled stream: FILE, or - for standard output")
      ->capture_default_str();
  app.add_option("--service", options.services, "Programme to scramble; repeat it; without it the first one");
  app.add_option("--ecm-id", options.ecm_ids,
                 "ECM_id, one for each --service; without it the programme number, or 1");
  app.add_option("--ecm-pid", options.ecm_pids,
                 "PID of the ECMs, one for each --service; without it 0x300, 0x301 ...");
  app.add_option("--access-criteria", options.access_criteria,
                 "access_criteria in hexadecimal, one for each --service; without it none is sent");
  app.add_option("--crypto-period", options.crypto_period_s,
                 "Length of a crypto period, in seconds or as 500ms")
      ->capture_default_str()
      ->transform(CLI::AsNumberWithUnit(std::map<std::string, double>{{"s", 1.0}, {"ms", 0.001}}))
      ->check(CLI::Range(0.1, 6553.5));
  app.add_option("--algo", options.algorithm, "csa (8-byte words) or cissa (16-byte words)")
      ->capture_default_str()
      ->check(CLI::IsMember({"csa", "cissa"}));
  app.add_option("--private", options.private_hex,
                 "Private bytes of the CA_descriptors, in hexadecimal: the suite")
      ->capture_default_str();
  app.add_option("--patience", options.patience_s, "Seconds to wait for an ECM before giving up")
      ->capture_default_str()
      ->check(CLI::Range(0.1, 1e6));
  auto* realtime = app.add_flag("--realtime", options.realtime,
                                "Keep the pace of the stream's clock; a late ECM prolongs its crypto period");
  bool fast = false;
  app.add_flag("--fast", fast, "As fast as it goes, waiting for each ECM (the default)")->excludes(realtime);
  app.add_flag("--json", options.json, "Print JSON lines");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitOk : kExitUsage;
  }
  return Run(options);
}
