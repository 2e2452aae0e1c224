#include <algorithm>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/simulcrypt/wire.h"

namespace hearth::simulcrypt {
namespace {

constexpr Interface kBoth[] = {Interface::kEcmgScs, Interface::kEmmgMux};

Side ReceiverOf(const MessageSpec& spec) { return spec.to_server ? Side::kServer : Side::kClient; }

TEST(Tables, AreAscendingNamedAndFit) {
  for (Interface interface : kBoth) {
    const auto ascending = [](const auto& a, const auto& b) { return a.type < b.type; };
    EXPECT_TRUE(std::is_sorted(Messages(interface).begin(), Messages(interface).end(), ascending));
    EXPECT_TRUE(std::is_sorted(Parameters(interface).begin(), Parameters(interface).end(), ascending));
    for (const MessageSpec& spec : Messages(interface)) {
      EXPECT_LE(spec.parameters.size(), kMaxParameterTypes) << spec.name;
      EXPECT_TRUE(spec.to_server || spec.to_client) << spec.name;
      EXPECT_EQ(FindMessage(interface, spec.type), &spec);
      EXPECT_EQ(MessageName(interface, spec.type), spec.name);
    }
    EXPECT_EQ(FindMessage(interface, 0x7777), nullptr);
    EXPECT_EQ(MessageName(interface, 0xFFFF), "unknown");
  }
  EXPECT_EQ(Messages(Interface::kEcmgScs).size(), 13U);
  EXPECT_EQ(Messages(Interface::kEmmgMux).size(), 14U);
  EXPECT_EQ(Parameters(Interface::kEcmgScs).size(), 27U);
  EXPECT_EQ(Parameters(Interface::kEmmgMux).size(), 10U);
  EXPECT_EQ(Errors(Interface::kEcmgScs).size(), 23U);
  EXPECT_EQ(Errors(Interface::kEmmgMux).size(), 22U);
}

TEST(Tables, TheSameFaultHasTheNumberOfItsInterface) {
  EXPECT_EQ(ErrorName(EcmgError::kUnknownParameterType), "unknown parameter_type");
  EXPECT_EQ(ErrorName(EmmgError::kUnknownParameterType), "unknown parameter_type");
  EXPECT_EQ(ErrorName(Interface::kEcmgScs, 0x000E), "unknown parameter_type");
  EXPECT_EQ(ErrorName(Interface::kEmmgMux, 0x000E), "unknown client_id");
  EXPECT_EQ(ErrorName(Interface::kEcmgScs, 0x0014), "ECM_stream_id in use");
  EXPECT_EQ(ErrorName(Interface::kEmmgMux, 0x0014), "client_id in use");
  EXPECT_EQ(ErrorName(Interface::kEmmgMux, 0x0015), "unknown");
}

TEST(Tables, CasIds) {
  EXPECT_EQ(MakeCasId(0x4AFE, 0x0102), 0x4AFE0102U);
  EXPECT_EQ(CaSystemId(0x4AFE0102), 0x4AFE);
  EXPECT_EQ(CaSubsystemId(0x4AFE0102), 0x0102);
}

// Each message of both interfaces: taken apart as it was put together, with parameters in any order and user
// ones between them.
TEST(Codec, EveryMessageBothWays) {
  for (Interface interface : kBoth) {
    for (const MessageSpec& spec : Messages(interface)) {
      SCOPED_TRACE(spec.name);
      const Fields fields = SampleFields(spec);
      Bytes written;
      MessageWriter writer(written, 2, spec.type);
      for (const auto& [parameter, hex] : fields) writer.Put(parameter, Hex(hex));
      ASSERT_TRUE(writer.Finish());
      EXPECT_EQ(written, Message(spec.type, fields, 2));

      Fields other_way(fields.rbegin(), fields.rend());
      other_way.insert(other_way.begin() + 1, {0x8000, "aabb"});
      other_way.emplace_back(0xFFFF, "");
      for (const Fields& order : {fields, other_way}) {
        const Bytes bytes = Message(spec.type, order, 2);
        MessageView view;
        ASSERT_EQ(Decode(interface, ReceiverOf(spec), bytes, view), Fault::kNone);
        EXPECT_EQ(view.version(), 2);
        EXPECT_EQ(view.type(), spec.type);
        for (const ParameterUse& use : spec.parameters) {
          std::vector<std::string> sent;
          std::vector<std::string> read;
          for (const auto& [parameter, hex] : order) {
            if (parameter == use.parameter->type) sent.push_back(hex);
          }
          view.ForEach(use.parameter->type, [&read](ByteView value) { read.push_back(ToHex(value)); });
          EXPECT_EQ(read, sent) << use.parameter->name;
          EXPECT_EQ(view.Count(use.parameter->type), sent.size());
          EXPECT_EQ(ToHex(view.Get(use.parameter->type)), sent.front());
        }
        EXPECT_FALSE(view.Has(0x8000));
      }
    }
  }
}

TEST(Codec, TypedGetters) {
  const Bytes bytes =
      Message(ecmg::kChannelStatus,
              {{ecmg::kEcmChannelId, "fffe"}, {ecmg::kDelayStart, "ff38"}, {ecmg::kLeadCw, "81"}});
  MessageView view;
  EXPECT_EQ(Decode(Interface::kEcmgScs, Side::kClient, bytes, view), Fault::kMissingParameter);
  EXPECT_EQ(view.U16(ecmg::kEcmChannelId), 0xFFFE);
  EXPECT_EQ(view.S16(ecmg::kDelayStart), -200);
  EXPECT_EQ(view.U8(ecmg::kLeadCw), 0x81);
  EXPECT_EQ(view.U32(ecmg::kEcmChannelId), 0U);  // of another width
  EXPECT_EQ(view.U16(ecmg::kDelayStop), 0);      // absent
  EXPECT_EQ(view.U32(ecmg::kSuperCasId), 0U);    // of another message
}

struct FaultCase {
  std::string name;
  Bytes message;
  Fault fault;
  uint16_t ecmg_status;
  uint16_t emmg_status;
};

std::vector<FaultCase> FaultCases(Interface interface) {
  const bool ecmg = interface == Interface::kEcmgScs;
  const uint16_t type = ecmg ? uint16_t{ecmg::kStreamSetup} : uint16_t{emmg::kStreamSetup};
  const uint16_t other_side =
      ecmg ? uint16_t{ecmg::kStreamCloseResponse} : uint16_t{emmg::kStreamBwAllocation};
  const Fields good = SampleFields(*FindMessage(interface, type));
  const auto with = [&good](uint16_t parameter, const std::string& hex) {
    Fields fields = good;
    fields.emplace_back(parameter, hex);
    return fields;
  };
  const auto edited = [](Bytes bytes, const auto& edit) {
    edit(bytes);
    return bytes;
  };
  Fields less = good;
  less.erase(less.begin() + 2);
  Fields longer = good;
  longer[1].second += "00";
  Fields shorter = good;
  shorter[1].second = "01";
  Fields all_wrong = with(0x7002, "");
  all_wrong[0].second += "00";
  all_wrong.push_back(good[1]);
  all_wrong.erase(all_wrong.begin() + 2);
  Fields long_and_twice = longer;
  long_and_twice.push_back(good[0]);
  Fields user_twice = with(0x8000, "");
  user_twice.emplace_back(0x8000, "00");
  Fields twice_and_less = less;
  twice_and_less.push_back(good[0]);
  return {
      {"good", Message(type, good), Fault::kNone, 0, 0},
      {"version 1", Message(type, good, 1), Fault::kNone, 0, 0},
      {"version 2", Message(type, good, 2), Fault::kNone, 0, 0},
      {"version 5", Message(type, good, 5), Fault::kNone, 0, 0},
      {"version 0", Message(type, good, 0), Fault::kUnsupportedVersion, 2, 2},
      {"version 4", Message(type, good, 4), Fault::kUnsupportedVersion, 2, 2},
      {"version 6", Message(type, good, 6), Fault::kUnsupportedVersion, 2, 2},
      {"version 255", Message(type, good, 255), Fault::kUnsupportedVersion, 2, 2},
      {"unknown message", Message(0x0099, good), Fault::kUnknownMessageType, 3, 3},
      {"user message", Message(0x8001, good), Fault::kUnknownMessageType, 3, 3},
      {"message of the other side", Message(other_side, SampleFields(*FindMessage(interface, other_side))),
       Fault::kInvalidMessage, 1, 1},
      {"no header", Hex("03 01"), Fault::kInvalidMessage, 1, 1},
      {"empty", {}, Fault::kInvalidMessage, 1, 1},
      {"half a parameter header",
       edited(Message(type, good),
              [](Bytes& b) {
                b.insert(b.end(), {0x00, 0x01});
                b[4] = static_cast<uint8_t>(b[4] + 2);
              }),
       Fault::kInvalidMessage, 1, 1},
      {"parameter beyond the end", edited(Message(type, good), [](Bytes& b) { b[8] = 200; }),
       Fault::kInvalidMessage, 1, 1},
      {"length too large", edited(Message(type, good), [](Bytes& b) { ++b[4]; }), Fault::kInvalidMessage, 1,
       1},
      {"length too small", edited(Message(type, good), [](Bytes& b) { --b[4]; }), Fault::kInvalidMessage, 1,
       1},
      {"reserved parameter", Message(type, with(0x0055, "01")), Fault::kUnknownParameterType, 0x0E, 0x0A},
      {"last reserved parameter", Message(type, with(0x7FFF, "")), Fault::kUnknownParameterType, 0x0E, 0x0A},
      {"parameter of another message", Message(type, with(0x7000, "0001")), Fault::kUnknownParameterType,
       0x0E, 0x0A},
      {"user parameter", Message(type, with(0x8000, "01")), Fault::kNone, 0, 0},
      {"last user parameter", Message(type, with(0xFFFF, "")), Fault::kNone, 0, 0},
      {"user parameter twice", Message(type, user_twice), Fault::kNone, 0, 0},
      {"parameter too long", Message(type, longer), Fault::kInconsistentLength, 0x0F, 0x0B},
      {"parameter too short", Message(type, shorter), Fault::kInconsistentLength, 0x0F, 0x0B},
      {"parameter twice", Message(type, with(good[0].first, good[0].second)), Fault::kInvalidMessage, 1, 1},
      {"parameter missing", Message(type, less), Fault::kMissingParameter, 0x10, 0x0C},
      {"no parameters", Message(type, {}), Fault::kMissingParameter, 0x10, 0x0C},
      // Several faults: the first of the list in message.h.
      {"version before type", Message(0x0099, {}, 9), Fault::kUnsupportedVersion, 2, 2},
      {"type before framing", edited(Message(0x0099, {}), [](Bytes& b) { b[4] = 7; }),
       Fault::kUnknownMessageType, 3, 3},
      {"framing before parameters", edited(Message(type, all_wrong), [](Bytes& b) { b.pop_back(); }),
       Fault::kInvalidMessage, 1, 1},
      {"unknown before length", Message(type, all_wrong), Fault::kUnknownParameterType, 0x0E, 0x0A},
      {"length before count", Message(type, long_and_twice), Fault::kInconsistentLength, 0x0F, 0x0B},
      {"too often before missing", Message(type, twice_and_less), Fault::kInvalidMessage, 1, 1},
  };
}

TEST(Codec, FaultsAndTheirStatus) {
  for (Interface interface : kBoth) {
    for (const FaultCase& c : FaultCases(interface)) {
      SCOPED_TRACE(fmt::format("{} on interface {}", c.name, static_cast<int>(interface)));
      MessageView view;
      const Fault fault = Decode(interface, Side::kServer, c.message, view);
      EXPECT_EQ(fault, c.fault);
      EXPECT_EQ(ErrorStatusOf(interface, fault),
                interface == Interface::kEcmgScs ? c.ecmg_status : c.emmg_status);
    }
  }
}

// Every mandatory parameter of every message, left out.
TEST(Codec, EachMandatoryParameterIsMissed) {
  for (Interface interface : kBoth) {
    for (const MessageSpec& spec : Messages(interface)) {
      for (const ParameterUse& use : spec.parameters) {
        Fields fields = SampleFields(spec);
        fields.erase(std::remove_if(fields.begin(), fields.end(),
                                    [&use](const auto& f) { return f.first == use.parameter->type; }),
                     fields.end());
        MessageView view;
        EXPECT_EQ(Decode(interface, ReceiverOf(spec), Message(spec.type, fields), view),
                  use.min_count > 0 ? Fault::kMissingParameter : Fault::kNone)
            << spec.name << " without " << use.parameter->name;
      }
    }
  }
}

// Every parameter of a fixed size, one byte longer and one shorter; every single one twice.
TEST(Codec, EachParameterOfWrongLengthOrTwice) {
  for (Interface interface : kBoth) {
    for (const MessageSpec& spec : Messages(interface)) {
      const Fields good = SampleFields(spec);
      for (size_t i = 0; i < good.size(); ++i) {
        const auto use =
            std::find_if(spec.parameters.begin(), spec.parameters.end(),
                         [&](const ParameterUse& u) { return u.parameter->type == good[i].first; });
        SCOPED_TRACE(fmt::format("{} {}", spec.name, use->parameter->name));
        MessageView view;
        Fields longer = good;
        longer[i].second += "00";
        const bool fixed = use->parameter->max_bytes < 0xFFFF;
        EXPECT_EQ(Decode(interface, ReceiverOf(spec), Message(spec.type, longer), view),
                  fixed ? Fault::kInconsistentLength : Fault::kNone);
        if (use->parameter->min_bytes > 0) {
          Fields shorter = good;
          shorter[i].second.resize(2 * (use->parameter->min_bytes - 1U));
          EXPECT_EQ(Decode(interface, ReceiverOf(spec), Message(spec.type, shorter), view),
                    Fault::kInconsistentLength);
        }
        Fields twice = good;
        twice.push_back(good[i]);
        EXPECT_EQ(Decode(interface, ReceiverOf(spec), Message(spec.type, twice), view),
                  use->max_count == 1 ? Fault::kInvalidMessage : Fault::kNone);
      }
    }
  }
}

TEST(Codec, AnswerToAnUnsupportedVersionIsInTheNextLower) {
  const std::pair<int, int> rows[] = {{0, 1}, {1, 1}, {2, 2}, {3, 3}, {4, 3}, {5, 5}, {6, 3}, {255, 3}};
  for (const auto& [asked, answered] : rows) {
    EXPECT_EQ(ReplyVersion(static_cast<uint8_t>(asked)), answered) << asked;
  }
}

TEST(Writer, RefusesWhatDoesNotFitAndLeavesTheBuffer) {
  Bytes out = Hex("0102");
  {
    MessageWriter writer(out, 3, ecmg::kEcmResponse);
    writer.Put(ecmg::kEcmDatagram, Bytes(65'536));
    EXPECT_FALSE(writer.Finish());
  }
  EXPECT_EQ(out, Hex("0102"));
  {
    MessageWriter writer(out, 3, ecmg::kEcmResponse);
    writer.Put(ecmg::kEcmDatagram, Bytes(65'532));
    EXPECT_FALSE(writer.Finish());
  }
  EXPECT_EQ(out, Hex("0102"));
  MessageWriter writer(out, 3, ecmg::kEcmResponse);
  writer.Put(ecmg::kEcmDatagram, Bytes(65'531));
  EXPECT_TRUE(writer.Finish());
  EXPECT_EQ(out.size(), 2U + 5 + 65'535);
  EXPECT_EQ(out[5], 0xFF);
  EXPECT_EQ(out[6], 0xFF);
}

}  // namespace
}  // namespace hearth::simulcrypt
