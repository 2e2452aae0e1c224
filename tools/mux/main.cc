// hearth-mux: a small multiplexer. See hearth-mux.1.
#include <CLI/CLI.hpp>

#include "tools/mux/run.h"

int main(int argc, char** argv) {
  using namespace hearth::mux;
  Options options;
  CLI::App app("A multiplexer (MUX) to try an EMMG with: puts its EMMs and a CAT into a transport stream.",
               "hearth-mux");
  app.footer("Exit codes: 0 done, 2 wrong usage, 3 cannot listen or write, 4 the input cannot be used.");
  app.add_option("--listen", options.listen, "HOST:PORT for EMMGs; port 0: any free one")
      ->capture_default_str();
  app.add_option("--udp", options.udp, "HOST:PORT for data over UDP; without it none");
  app.add_option("--port-file", options.port_file, "File to write the ports to: TCP, then UDP, a line each");
  app.add_option("--in", options.in, "Transport stream to put EMMs into: FILE, or - for standard input");
  app.add_option("--out", options.out,
                 "Where it goes: FILE, or - for standard output; without it no stream is made");
  app.add_option("--sections-out", options.sections_out,
                 "File for the sections received, one after the other");
  app.add_option("--emm-pid", options.emm_pid, "PID of the first data stream; others get the next ones")
      ->capture_default_str();
  app.add_option("--private", options.private_hex,
                 "Private bytes of the CA_descriptors, in hexadecimal: the suite")
      ->capture_default_str();
  app.add_flag("--packed", options.packed, "Let sections share packets; without it each starts a packet");
  app.add_option("--mode", options.mode, "section_TSpkt_flag to answer with: as asked, sections or packets")
      ->capture_default_str()
      ->check(CLI::IsMember({"asked", "sections", "packets"}));
  app.add_option("--bandwidth", options.bandwidth_kbps,
                 "kbit/s to grant to the streams of a connection together")
      ->capture_default_str()
      ->check(CLI::Range(0, 65535));
  app.add_option(
         "--slack", options.slack_percent,
         "Tell a stream that sends this percentage more than it was granted in a second; without it never")
      ->check(CLI::Range(0, 1000));
  app.add_option("--rate", options.rate_kbps, "kbit/s of the stream made when there is no --in")
      ->capture_default_str()
      ->check(CLI::Range(10, 1'000'000));
  app.add_option("--for", options.seconds, "End after this many seconds")->check(CLI::Range(0.0, 1e9));
  app.add_option("--every", options.window_seconds, "Print the counts each so many seconds")
      ->check(CLI::Range(0.1, 1e9));
  app.add_option("--until-sections", options.until_sections, "End when so many sections have come");
  app.add_flag("--fast", options.fast, "Read --in as fast as it goes, not at the pace of its clock");
  app.add_flag("--json", options.json, "Print JSON lines");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitOk : kExitUsage;
  }
  return Run(options);
}
