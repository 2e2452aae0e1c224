// Cards and boxes in files, one file each, so that a card can be carried into another box. A save replaces
// the file whole (written beside it, synced, renamed; mode 0600): whoever is killed at any moment leaves the
// old state or the new one. A file that is damaged is refused and left as it is. Any thread.
#pragma once

#include <string>
#include <string_view>

#include "src/base/status.h"
#include "tools/receiver/box.h"
#include "tools/receiver/card.h"

namespace hearth::receiver {

// The text of a state file, see state.cc for its grammar.
std::string CardText(const CardState& state);
std::string BoxText(const BoxState& state);
// STORE_CORRUPT names the line that breaks the grammar.
Result<CardState> ParseCardText(std::string_view text);
Result<BoxState> ParseBoxText(std::string_view text);

// FILE_UNREADABLE or STORE_CORRUPT, with the path.
Result<Card> LoadCard(const std::string& path);
Result<Box> LoadBox(const std::string& path);
// STORE_IO with the path; the old file is then still whole.
Status SaveCard(const Card& card, const std::string& path);
Status SaveBox(const Box& box, const std::string& path);

// Keeps other processes from changing a state between load and save (flock on PATH.lock). Waits for its turn.
class StateLock {
 public:
  static Result<StateLock> Take(const std::string& path);
  StateLock(StateLock&& other) noexcept;
  StateLock& operator=(StateLock&& other) noexcept;
  ~StateLock();

 private:
  explicit StateLock(int fd) : fd_(fd) {}
  int fd_ = -1;
};

}  // namespace hearth::receiver
