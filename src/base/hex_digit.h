// One hexadecimal digit, for bytes.cc and ids.cc.
#pragma once

namespace hearth {

// Its value, capital or small; -1 for what is none.
inline int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace hearth
