// hearthd as a program: its command line, what it says of a bad configuration, its start and its end.

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;  // NOLINT(readability-redundant-declaration): POSIX leaves it to the program

namespace hearth::daemon {
namespace {

namespace fs = std::filesystem;
using std::chrono::steady_clock;
using testing::HasSubstr;

constexpr std::chrono::seconds kPatience{30};
constexpr char kMasterKey[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

std::string ReadFile(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

class ProgramTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string folder = (fs::temp_directory_path() / "hearth-daemon-XXXXXX").string();
    ASSERT_NE(::mkdtemp(folder.data()), nullptr);
    folder_ = folder;
    WriteFile("key", std::string(kMasterKey) + "\n");
    ASSERT_EQ(::chmod((folder_ / "key").c_str(), 0600), 0);
  }
  void TearDown() override {
    for (const pid_t left : {running_, lane_}) {
      if (left <= 0) continue;
      ::kill(left, SIGKILL);
      ::waitpid(left, nullptr, 0);
    }
    fs::remove_all(folder_);
  }

  void WriteFile(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name, std::ios::binary) << text;
  }
  // A configuration for development, in the folder of the test, all ports free ones.
  std::string Config(const std::string& store = "kind = \"memory\"") const {
    return fmt::format(
        "[site]\nname = \"test\"\nprovince = \"64\"\ninsecure_development = true\n"
        "[store]\n{1}\n[keys]\nmaster_key_file = \"{0}/key\"\n"
        "[grpc]\nlisten = \"127.0.0.1:0\"\nport_file = \"{0}/ports.json\"\n"
        "[metrics]\nlisten = \"127.0.0.1:0\"\n[output]\nfile = \"{0}/sections\"\nlisten = \"127.0.0.1:0\"\n"
        "[log]\nfile = \"{0}/log\"\n",
        folder_.string(), store);
  }

  std::string Lanes() const {
    return fmt::format("[lanes]\nfile = \"{0}/ecm.lane\"\nkey_file = \"{0}/lane-key\"\nregistered = \"a\"\n",
                       folder_.string());
  }
  std::string LaneConfig() const {
    return fmt::format(
        "[site]\nname = \"lane\"\n[grpc]\nport_file = \"{0}/lane.json\"\n[metrics]\nlisten = \"\"\n"
        "[ecmg]\nlisten = \"127.0.0.1:0\"\nsuper_cas_ids = \"0x4A750001\"\n{1}name = \"a\"\n"
        "[log]\nfile = \"{0}/lane.log\"\n",
        folder_.string(), Lanes());
  }

  pid_t Spawn(const std::vector<std::string>& arguments) const {
    return SpawnProgram(HEARTH_BIN_DIR "/hearthd", arguments, {});
  }
  // As systemd does it: the sockets are descriptors from 3 on, and the environment says so to this process
  // alone.
  pid_t SpawnActivated(const std::vector<std::string>& arguments, const std::vector<int>& sockets) const {
    std::string line =
        fmt::format("LISTEN_FDS={} LISTEN_PID=$$ exec " HEARTH_BIN_DIR "/hearthd", sockets.size());
    for (const std::string& argument : arguments) line += " '" + argument + "'";
    return SpawnProgram("/bin/sh", {"-c", line}, sockets);
  }
  pid_t SpawnProgram(std::string program, const std::vector<std::string>& arguments,
                     const std::vector<int>& sockets) const {
    std::vector<char*> argv = {program.data()};
    std::vector<std::string> copies = arguments;
    for (std::string& copy : copies) argv.push_back(copy.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    for (size_t i = 0; i < sockets.size(); ++i) {
      posix_spawn_file_actions_adddup2(&files, sockets[i], static_cast<int>(3 + i));
    }
    const std::string out = folder_ / "out";
    const std::string err = folder_ / "err";
    posix_spawn_file_actions_addopen(&files, 1, out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_addopen(&files, 2, err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    pid_t pid = -1;
    EXPECT_EQ(::posix_spawn(&pid, program.c_str(), &files, nullptr, argv.data(), environ), 0) << program;
    posix_spawn_file_actions_destroy(&files);
    return pid;
  }
  // The exit status; -1 when it ended otherwise, or not in time.
  static int Wait(pid_t pid) {
    const auto end = steady_clock::now() + kPatience;
    int status = 0;
    while (::waitpid(pid, &status, WNOHANG) == 0) {
      if (steady_clock::now() > end) {
        ::kill(pid, SIGKILL);
        ::waitpid(pid, &status, 0);
        return -1;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  int Run(const std::vector<std::string>& arguments) const { return Wait(Spawn(arguments)); }
  std::string out() const { return ReadFile(folder_ / "out"); }
  std::string err() const { return ReadFile(folder_ / "err"); }
  std::string log() const { return ReadFile(folder_ / "log"); }

  template <typename Condition>
  static bool Until(const Condition& condition) {
    const auto end = steady_clock::now() + kPatience;
    while (!condition()) {
      if (steady_clock::now() > end) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return true;
  }
  void StartServing() {
    running_ = Spawn({"--config", folder_ / "hearth.toml"});
    ASSERT_TRUE(Until([&] { return fs::exists(folder_ / "ports.json"); })) << log() << err();
  }
  static int Stop(pid_t& process, int signal) {
    ::kill(process, signal);
    return Wait(std::exchange(process, -1));
  }
  int StopServing(int signal) { return Stop(running_, signal); }
  int StopLane(int signal) { return Stop(lane_, signal); }
  int Port(const std::string& name) const {
    const std::string ports = ReadFile(folder_ / "ports.json");
    const size_t at = ports.find("\"" + name + "\": ");
    return at == std::string::npos ? -1 : std::stoi(ports.substr(at + name.size() + 4));
  }
  static sockaddr_in Loopback(int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
  }
  // A connected socket; -1: refused.
  static int Connect(int port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = Loopback(port);
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) return fd;
    ::close(fd);
    return -1;
  }
  struct Listener {
    Listener() : fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
      const sockaddr_in wanted = Loopback(0);
      EXPECT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&wanted), sizeof(wanted)), 0);
      EXPECT_EQ(::listen(fd, 16), 0);
      sockaddr_in bound{};
      socklen_t size = sizeof(bound);
      ::getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size);
      port = ntohs(bound.sin_port);
    }
    ~Listener() { ::close(fd); }
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;
    int fd;
    int port = 0;
  };
  // SimulCrypt, by hand: ECM_channel_id 1, Super_CAS_id 4A750001.
  static bool SendChannelSetup(int fd) {
    constexpr uint8_t kMessage[] = {3, 0, 1, 0, 14, 0, 14, 0, 2, 0, 1, 0, 1, 0, 4, 0x4A, 0x75, 0, 1};
    return ::send(fd, kMessage, sizeof(kMessage), MSG_NOSIGNAL) == sizeof(kMessage);
  }
  static bool ChannelStatusComes(int fd) {
    pollfd readable{.fd = fd, .events = POLLIN, .revents = 0};
    uint8_t head[3] = {};
    return ::poll(&readable, 1, std::chrono::milliseconds(kPatience).count()) == 1 &&
           ::recv(fd, head, sizeof(head), MSG_WAITALL) == sizeof(head) && head[0] == 3 && head[2] == 3;
  }
  static bool Connects(int port) {
    const int fd = Connect(port);
    if (fd >= 0) ::close(fd);
    return fd >= 0;
  }

  fs::path folder_;
  pid_t running_ = -1;
  pid_t lane_ = -1;
};

TEST_F(ProgramTest, TheCommandLine) {
  WriteFile("good.toml", Config());
  const std::string good = folder_ / "good.toml";
  struct Row {
    const char* name;
    std::vector<std::string> arguments;
    int status;
    const char* out;
    const char* err;
  };
  const Row rows[] = {
      {"version", {"--version"}, 0, "hearthd ", ""},
      {"help", {"--help"}, 0, "Usage: hearthd --config FILE", ""},
      {"nothing", {}, 2, "", "--config FILE is missing"},
      {"an unknown option", {"--frobnicate"}, 2, "", "--frobnicate is not known"},
      {"config without a file", {"--config"}, 2, "", "--config needs a file"},
      {"no such file", {"--config", folder_ / "none.toml"}, 2, "", "FILE_UNREADABLE"},
      {"a good configuration", {"--config", good, "--check-config"}, 0, "good.toml: ok", ""},
      {"written with =", {"--check-config", "--config=" + good}, 0, "good.toml: ok", ""},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(Run(row.arguments), row.status) << row.name;
    EXPECT_THAT(out(), HasSubstr(row.out)) << row.name;
    EXPECT_THAT(err(), HasSubstr(row.err)) << row.name;
    EXPECT_EQ(out().empty(), *row.out == '\0') << row.name;
    EXPECT_EQ(err().empty(), *row.err == '\0') << row.name;
  }
  EXPECT_FALSE(fs::exists(folder_ / "log")) << "checking opens nothing";
}

TEST_F(ProgramTest, CheckConfigTellsEveryErrorWithLineKeyRuleAndCure) {
  WriteFile(
      "bad.toml",
      "[site]\nname = \"test\"\nprovince = \"6401\"\n[store]\nkind = \"memory\"\n[keys]\n"
      "master_key_file = \"k\"\n[grpc]\nlisten = \"127.0.0.1:0\"\ntls_certificate = \"c\"\ntls_key = \"k\"\n"
      "tls_client_ca = \"a\"\n[policy]\ngrace_hours = 999\ngrase = 1\n");
  const std::string file = folder_ / "bad.toml";
  EXPECT_EQ(Run({"--config", file, "--check-config"}), 2);
  EXPECT_EQ(out(), "");
  for (const char* line :
       {":3: CONFIG_VALUE_INVALID: site.province", ":5: CONFIG_VALUE_INVALID: store.kind",
        ":14: CONFIG_VALUE_INVALID: policy.grace_hours", ":15: CONFIG_UNKNOWN_KEY: policy.grase"}) {
    EXPECT_THAT(err(), HasSubstr(file + line));
  }
  EXPECT_THAT(err(), HasSubstr("[Give the key a value in the range named.]"));
  EXPECT_EQ(Run({"--config", file}), 2) << "and it does not serve with it";
}

// The man page names every option and exit status that the program has.
TEST_F(ProgramTest, TheManPageAgreesWithTheHelp) {
  const std::string page = ReadFile(HEARTH_SOURCE_DIR "/deploy/hearthd.8");
  EXPECT_EQ(Run({"--help"}), 0);
  std::string help = out();
  for (size_t at = help.find("--"); at != std::string::npos; at = help.find("--", at + 2)) {
    std::string option = help.substr(at, help.find_first_of(" ],\n=|", at) - at);
    std::string escaped;
    for (const char c : option) escaped += c == '-' ? std::string("\\-") : std::string(1, c);
    EXPECT_THAT(page, HasSubstr(escaped));
  }
  for (const char* status : {".B 0\n", ".B 1\n", ".B 2\n"}) EXPECT_THAT(page, HasSubstr(status));
}

TEST_F(ProgramTest, ServesUntilItIsToldToStop) {
  for (const int signal : {SIGTERM, SIGINT}) {
    WriteFile("hearth.toml", Config());
    ASSERT_NO_FATAL_FAILURE(StartServing());
    for (const char* name : {"grpc", "metrics", "sections"}) {
      EXPECT_TRUE(Connects(Port(name))) << name << " in " << ReadFile(folder_ / "ports.json");
    }
    EXPECT_THAT(log(), HasSubstr("NO TLS AND NO AUTHENTICATION"));
    EXPECT_THAT(log(), HasSubstr("daemon.serving"));
    EXPECT_EQ(StopServing(signal), 0);
    EXPECT_FALSE(fs::exists(folder_ / "ports.json"));
    EXPECT_THAT(log(), HasSubstr("daemon.stopped"));
  }
}

// A lane waits for its file, serves from it, and goes on serving while the head-end is killed.
TEST_F(ProgramTest, ALaneServesWithoutTheHeadEnd) {
  WriteFile("lane-key", std::string(64, 'b') + "\n");
  fs::permissions(folder_ / "lane-key", fs::perms::owner_read | fs::perms::owner_write);
  WriteFile("lane.toml", LaneConfig());
  lane_ = Spawn({"--role", "ecm", "--config", folder_ / "lane.toml"});
  ASSERT_TRUE(
      Until([&] { return ReadFile(folder_ / "lane.log").find("lane.waiting") != std::string::npos; }));
  EXPECT_FALSE(fs::exists(folder_ / "lane.json")) << "nothing is served before there is a file";
  WriteFile("hearth.toml", Config() + Lanes());
  ASSERT_NO_FATAL_FAILURE(StartServing());
  EXPECT_TRUE(Until([&] { return fs::exists(folder_ / "lane.json"); }));
  EXPECT_TRUE(fs::exists(folder_ / "ecm.lane.ack.a"));
  ::kill(running_, SIGKILL);
  EXPECT_NE(Wait(running_), 0);
  running_ = -1;
  const std::string ports = ReadFile(folder_ / "lane.json");
  const std::string key = "\"ecmg\": ";
  EXPECT_TRUE(Connects(std::stoi(ports.substr(ports.find(key) + key.size())))) << ports;
  EXPECT_EQ(StopLane(SIGTERM), 0);
}

// systemd listens for the lane: a scrambler that comes before the lane has its file, or while it is
// restarted, waits and is served.
TEST_F(ProgramTest, ALaneServesTheSocketThatSystemdListensOn) {
  const Listener listener;
  WriteFile("lane-key", std::string(64, 'b') + "\n");
  fs::permissions(folder_ / "lane-key", fs::perms::owner_read | fs::perms::owner_write);
  WriteFile("lane.toml", LaneConfig());
  const std::vector<std::string> arguments = {"--role", "ecm", "--config", folder_ / "lane.toml"};
  lane_ = SpawnActivated(arguments, {listener.fd});
  ASSERT_TRUE(
      Until([&] { return ReadFile(folder_ / "lane.log").find("lane.waiting") != std::string::npos; }));
  const int early = Connect(listener.port);
  ASSERT_GE(early, 0) << "not refused";
  EXPECT_TRUE(SendChannelSetup(early));
  WriteFile("hearth.toml", Config() + Lanes());
  ASSERT_NO_FATAL_FAILURE(StartServing());
  EXPECT_TRUE(ChannelStatusComes(early)) << ReadFile(folder_ / "lane.log");
  ::close(early);
  EXPECT_THAT(ReadFile(folder_ / "lane.json"), HasSubstr(fmt::format("\"ecmg\": {}", listener.port)));

  EXPECT_EQ(StopLane(SIGKILL), -1);
  const int meanwhile = Connect(listener.port);
  ASSERT_GE(meanwhile, 0) << "not refused while there is no lane";
  EXPECT_TRUE(SendChannelSetup(meanwhile));
  lane_ = SpawnActivated(arguments, {listener.fd});
  EXPECT_TRUE(ChannelStatusComes(meanwhile)) << ReadFile(folder_ / "lane.log");
  ::close(meanwhile);
  EXPECT_EQ(StopLane(SIGTERM), 0);
}

TEST_F(ProgramTest, SaysWhatIsWrongWithAPassedSocket) {
  const Listener listener;
  const int datagrams = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const std::string ecmg = "[ecmg]\nlisten = \"127.0.0.1:0\"\nsuper_cas_ids = \"0x4A750001\"\n";
  struct Row {
    const char* name;
    std::string config;
    std::vector<int> sockets;
    const char* err;
  };
  const Row rows[] = {
      {"two", Config() + ecmg, {listener.fd, listener.fd}, "leave one ListenStream="},
      {"no listening socket", Config() + ecmg, {datagrams}, "no listening TCP socket"},
      {"no ECMG", Config(), {listener.fd}, "ecmg.listen"},
  };
  for (const Row& row : rows) {
    WriteFile("hearth.toml", row.config);
    EXPECT_EQ(Wait(SpawnActivated({"--config", folder_ / "hearth.toml"}, row.sockets)), 1) << row.name;
    EXPECT_THAT(err(), HasSubstr(row.err)) << row.name;
  }
  ::close(datagrams);
}

TEST_F(ProgramTest, OpensItsLogAnewOnSighup) {
  WriteFile("hearth.toml", Config());
  ASSERT_NO_FATAL_FAILURE(StartServing());
  fs::rename(folder_ / "log", folder_ / "log.1");
  ::kill(running_, SIGHUP);
  EXPECT_TRUE(Until([&] { return log().find("daemon.log_reopened") != std::string::npos; }));
  EXPECT_EQ(StopServing(SIGTERM), 0);
  EXPECT_THAT(log(), HasSubstr("daemon.stopped"));
}

TEST_F(ProgramTest, KeepsItsStoreAndSharesItWithNobody) {
  const std::string store = fmt::format("path = \"{}/store\"", folder_.string());
  WriteFile("hearth.toml", Config(store));
  ASSERT_NO_FATAL_FAILURE(StartServing());
  // A second daemon: its own port file, the same store.
  std::string other = Config(store);
  other.replace(other.find("ports.json"), 5, "other");
  WriteFile("other.toml", other);
  EXPECT_EQ(Run({"--config", folder_ / "other.toml"}), 1);
  EXPECT_THAT(err(), HasSubstr("STORE_LEASE_HELD"));
  EXPECT_TRUE(fs::exists(folder_ / "ports.json")) << "the first one still serves";
  EXPECT_EQ(StopServing(SIGTERM), 0);

  ASSERT_NO_FATAL_FAILURE(StartServing());  // its own store again
  EXPECT_EQ(StopServing(SIGTERM), 0);
  // Another master key cannot read it.
  WriteFile("key", std::string(64, 'a'));
  EXPECT_EQ(Run({"--config", folder_ / "hearth.toml"}), 1);
  EXPECT_THAT(err(), HasSubstr("KEY_UNWRAP_FAILED"));
}

TEST_F(ProgramTest, SaysWhyItCannotStart) {
  struct Row {
    const char* name;
    std::string from;
    std::string to;
    const char* err;
  };
  const Row rows[] = {
      {"no key file", "/key\"", "/none\"", "keys.master_key_file"},
      {"no folder for the output", "/sections\"", "/no/sections\"", "output.file"},
      {"no folder for the port file", "/ports.json\"", "/no/ports.json\"", "grpc.port_file"},
      {"no folder for the log", "/log\"", "/no/log\"", "log.file"},
  };
  for (const Row& row : rows) {
    std::string config = Config();
    config.replace(config.find(row.from), row.from.size(), row.to);
    WriteFile("hearth.toml", config);
    EXPECT_EQ(Run({"--config", folder_ / "hearth.toml"}), 1) << row.name;
    EXPECT_THAT(err(), HasSubstr(row.err)) << row.name;
  }
  ASSERT_EQ(::chmod((folder_ / "key").c_str(), 0644), 0);
  WriteFile("hearth.toml", Config());
  EXPECT_EQ(Run({"--config", folder_ / "hearth.toml"}), 1);
  EXPECT_THAT(err(), HasSubstr("KEY_FILE_INVALID")) << "a key that everybody may read";
}

}  // namespace
}  // namespace hearth::daemon
