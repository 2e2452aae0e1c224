// Real transport streams for tests, made and judged by ffmpeg.
#pragma once

#include <string>

#include "src/base/bytes.h"

namespace hearth::ts {

// A directory of its own for one test, removed after it.
class TempDir {
 public:
  TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir();
  std::string File(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

bool HaveFfmpeg();
// Test pictures and a tone, `seconds` long, at a constant rate with null packets: one programme (number 1,
// PMT 0x1000, video 0x100, sound 0x101), or two of them. Empty when ffmpeg fails.
Bytes MakeStream(const TempDir& dir, int seconds, int programmes = 1);
// What ffmpeg decodes of it: one line with the MD5 of each frame of all streams; no frame: no line.
std::string FrameMd5(const TempDir& dir, ByteView stream);
// All packets of one PID without header and adaptation field.
Bytes PayloadOf(ByteView stream, unsigned pid);

}  // namespace hearth::ts
