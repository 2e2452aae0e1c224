// One log event as one line of text: JSON for machines, key=value for people.
//
// JSON form, one object a line, UTF-8, keys in this order:
//   {"time":"2026-11-23T04:50:12.345Z","level":"info","event":"store_opened","path":"…","…":"…"}
// time is RFC 3339 in UTC; level is debug, info, warn or error; every field's value is a string. A field
// named like one of the three fixed keys gets a "_" behind its name.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "src/base/ids.h"
#include "src/base/log.h"

namespace hearth::log {

// "debug", "info", "warn", "error".
std::string_view NameOf(LogLevel level);

// `text` as a JSON string with its quotes (RFC 8259, section 7). Control characters are escaped and bytes
// that are not UTF-8 become U+FFFD, so that a line is valid JSON whatever a caller logged.
std::string JsonString(std::string_view text);

// The event without the line end. Any thread.
std::string JsonLine(UnixMillis time, LogLevel level, std::string_view event,
                     std::initializer_list<LogField> fields);

// "2026-11-23T04:50:12.345Z INFO  store_opened path=/var/lib/hearth note=\"two words\"". Values that hold
// spaces, quotes, "=" or control characters are quoted like JSON strings, so that nothing logged can forge a
// line or steer a terminal. Any thread.
std::string TextLine(UnixMillis time, LogLevel level, std::string_view event,
                     std::initializer_list<LogField> fields);

}  // namespace hearth::log
