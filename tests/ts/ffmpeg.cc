#include "tests/ts/ffmpeg.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "src/mpegts/packet.h"

namespace hearth::ts {
namespace {

Bytes ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

bool Run(const std::string& command) {
  return std::system((command + " </dev/null >/dev/null 2>&1").c_str()) == 0;
}

}  // namespace

TempDir::TempDir() {
  std::string pattern = (std::filesystem::temp_directory_path() / "hearth-ts-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) std::abort();
  path_ = pattern;
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

bool HaveFfmpeg() {
  static const bool have = Run("ffmpeg -version");
  return have;
}

Bytes MakeStream(const TempDir& dir, int seconds, int programmes) {
  const std::string file = dir.File("made.ts");
  const std::string length = std::to_string(seconds);
  std::ostringstream command;
  command << "ffmpeg -y -bitexact -f lavfi -i testsrc2=size=160x120:rate=25:duration=" << length
          << " -f lavfi -i sine=frequency=440:sample_rate=48000:duration=" << length;
  for (int i = 0; i < programmes; ++i) command << " -map 0:v -map 1:a";
  command << " -c:v mpeg2video -b:v 300k -g 12 -bf 0 -c:a mp2 -b:a 64k -threads 1 -flags +bitexact -f mpegts "
             "-muxrate "
          << programmes * 800 << "k -pcr_period 20 -mpegts_flags +resend_headers";
  for (int i = 0; i < programmes; ++i) {
    command << " -program program_num=" << i + 1 << ":st=" << 2 * i << ":st=" << 2 * i + 1;
  }
  command << ' ' << file;
  return Run(command.str()) ? ReadFile(file) : Bytes();
}

std::string FrameMd5(const TempDir& dir, ByteView stream) {
  const std::string file = dir.File("judged.ts");
  const std::string sums = dir.File("judged.md5");
  std::ofstream(file, std::ios::binary) << AsChars(stream);
  std::filesystem::remove(sums);
  // Of each programme: map everything. A stream of which nothing can be decoded makes ffmpeg fail.
  Run("ffmpeg -y -bitexact -i " + file + " -map 0 -f framemd5 " + sums);
  std::ifstream in(sums);
  std::string frames;
  for (std::string line; std::getline(in, line);) {
    if (!line.empty() && line[0] != '#') frames += line + '\n';
  }
  return frames;
}

Bytes PayloadOf(ByteView stream, unsigned pid) {
  Bytes payload;
  for (size_t at = 0; at + mpegts::kPacketBytes <= stream.size(); at += mpegts::kPacketBytes) {
    const ByteView packet = stream.subspan(at, mpegts::kPacketBytes);
    const auto header = mpegts::ReadPacketHeader(packet);
    if (!header || header->pid.value != pid) continue;
    const ByteView part = packet.subspan(header->payload_at);
    payload.insert(payload.end(), part.begin(), part.end());
  }
  return payload;
}

}  // namespace hearth::ts
