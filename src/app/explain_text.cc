#include "src/app/explain_text.h"

#include <utility>

namespace hearth::app {
namespace {

template <typename T>
struct Both {
  T english;
  T chinese;

  const T& In(Language language) const { return language == Language::kChinese ? chinese : english; }
};
using Words = Both<std::string_view>;

constexpr std::array<Both<SituationText>, kSituations> kSituationTexts = {{
    // kLit
    {{"The card is open for area {area} with box {box}.",
      "If the screen is dark all the same: leave the box on for a few minutes, or refresh the card.",
      "Two reports from a city cell at least a minute apart, without a cell of home beside it, switch it "
      "off; "
      "silence never does."},
     {"该卡已开通,服务区域 {area},配对机顶盒 {box}。",
      "如屏幕仍无图像:请让机顶盒开机等候几分钟,或为该卡重发授权。",
      "间隔一分钟以上两次上报城区基站、且听不到本区域基站,才会关断;不上报不会关断。"}},
    // kLitExempt
    {{"The card is open for area {area} with box {box} and needs no base station (exempt).",
      "If the screen is dark all the same: leave the box on for a few minutes, or refresh the card.",
      "City cells still switch it off, and the end of the exemption makes cells count again."},
     {"该卡已开通,服务区域 {area},配对机顶盒 {box},已批准无基站信号豁免。",
      "如屏幕仍无图像:请让机顶盒开机等候几分钟,或为该卡重发授权。",
      "听到城区基站仍会关断;豁免到期后恢复基站校验。"}},
    // kLitUnknownCell
    {{"The card is open for area {area} with box {box}; the cells it hears are on no list.",
      "Have the cells surveyed and added to the area's whitelist: the network was probably renumbered.",
      "The head-end never switches off for unknown cells; the box itself goes dark when its grace has run "
      "out."},
     {"该卡已开通,服务区域 {area},配对机顶盒 {box};所听基站不在任何名单中。",
      "请核查这些基站并加入该区域白名单:很可能是运营商调整了编号。",
      "前端不会因未知基站关断;机顶盒本机在宽限时间用完后会黑屏。"}},
    // kLitCounting
    {{"The card is open for area {area} with box {box}, but its last reports came from elsewhere.",
      "If the box was moved: bring it back to its home, or apply for a relocation.",
      "One more such report may switch it off; one report from home makes all well again."},
     {"该卡已开通,服务区域 {area},配对机顶盒 {box};但最近的上报来自区域之外。",
      "如机顶盒已搬动:请搬回原安装地点,或申请移机。",
      "再有一次同样的上报可能关断;从原安装地点上报一次即恢复正常。"}},
    // kLitHeld
    {{"The card is open for area {area} with box {box}; a switch-off is held until an operator decides.",
      "Look at the evidence, then release or drop it: hearthctl intervention.",
      "An operator's release switches it off; a drop, or one report from home, ends the matter."},
     {"该卡已开通,服务区域 {area},配对机顶盒 {box};关断指令已挂起,等待操作员决定。",
      "请查看依据,然后执行或撤销:hearthctl intervention。",
      "操作员执行即关断;撤销或从原安装地点上报一次即了结。"}},
    // kInStock
    {{"The card is in stock and belongs to no account.", "Open an account with the five-part form first.",
      "The opening of an account and its installation light it."},
     {"该卡在库,未开户。", "请先凭五联单开户。", "开户并完成安装后开通。"}},
    // kWaitingUnheard
    {{"The card waits for its installation in area {area}; it has not reported yet.",
      "Connect the box at the home of the form and let it report its base station.",
      "Its first report from a cell of its area opens it."},
     {"该卡等待安装,服务区域 {area};尚未收到上报。", "请在五联单登记地点接好机顶盒,让其上报基站。",
      "首次上报本区域基站即开通。"}},
    // kWaitingBlacklisted
    {{"The card waits for its installation in area {area}; it was heard on a city's cell, so it was not "
      "opened.",
      "Install the box at the home of the form.", "One report from a cell of its area opens it."},
     {"该卡等待安装,服务区域 {area};听到的是城区基站,未予开通。", "请在五联单登记地点安装。",
      "从本区域基站上报一次即开通。"}},
    // kWaitingOutOfArea
    {{"The card waits for its installation in area {area}; it was heard on cells of another area, so it was "
      "not "
      "opened.",
      "Install the box in the service area of the form.", "One report from a cell of its area opens it."},
     {"该卡等待安装,服务区域 {area};听到的是其他区域的基站,未予开通。", "请在五联单登记的服务区域内安装。",
      "从本区域基站上报一次即开通。"}},
    // kWaitingUnknownCell
    {{"The card waits for its installation in area {area}; the cells it heard are on no list, so it was not "
      "opened.",
      "Have the cells surveyed and assigned to the area, then let the box report again.",
      "One report after the cell is on the area's whitelist opens it."},
     {"该卡等待安装,服务区域 {area};听到的基站不在任何名单中,未予开通。",
      "请核查基站并划入该区域,然后让机顶盒再次上报。", "基站列入白名单后再上报一次即开通。"}},
    // kWaitingNoSignal
    {{"The card waits for its installation in area {area}; its box heard no base station.",
      "Attach the antenna of the module, or apply for an exemption for homes without signal.",
      "One report from a cell of its area, or an approved exemption and one report, open it."},
     {"该卡等待安装,服务区域 {area};机顶盒听不到任何基站。", "请接好模块天线,或申请无基站信号豁免。",
      "从本区域基站上报一次,或豁免批准后上报一次,即开通。"}},
    // kIntervened
    {{"The box was heard in a city, so the card was switched off on {since}.",
      "Bring the box back to its home: one report from there switches it on again.",
      "One report from a cell of its area, or an operator's lift, light it."},
     {"机顶盒在城区基站下被听到,该卡已于 {since} 关断。", "请将机顶盒搬回原安装地点:从该处上报一次即恢复。",
      "从本区域基站上报一次,或操作员解除,即恢复。"}},
    // kIntervenedAway
    {{"The box was heard outside its service area, so the card was switched off on {since} by an operator's "
      "word.",
      "Bring the box back to its home, or apply for a relocation.",
      "One report from a cell of its area, or an operator's lift, light it."},
     {"机顶盒在服务区域之外被听到,经操作员决定,该卡已于 {since} 关断。",
      "请将机顶盒搬回原安装地点,或申请移机。", "从本区域基站上报一次,或操作员解除,即恢复。"}},
    // kClosed
    {{"The account of this card is closed since {since}.",
      "Reopen the account, if the viewer wants to go on.",
      "The reopening of the account and a report from home light it."},
     {"该卡的账户已于 {since} 销户。", "用户如需继续收看,请重新开户。", "重新开户并从安装地点上报后恢复。"}},
    // kSwapped
    {{"This card or its box was replaced by another one on {since}.",
      "Use the new device; if the old one is still in the box, put in the new card.",
      "Nothing: the account's new card is open."},
     {"该卡或其机顶盒已于 {since} 更换。", "请使用新设备;如机顶盒内仍是旧卡,请换上新卡。",
      "不再恢复:账户的新卡为有效卡。"}},
    // kEvicted
    {{"The card was shut out on {since}: somebody else may have its keys.",
      "Swap it for another card; this one never opens anything again.", "Nothing: it stays dark for ever."},
     {"该卡已于 {since} 清退:其密钥可能已泄露。", "请换卡;此卡永不再开通。", "不再恢复。"}},
    // kSwitchedOff
    {{"The card was switched off on {since} by hand, or taken out of service.", "Ask the centre.",
      "Only the centre lights it again."},
     {"该卡已于 {since} 被人工关断或停用。", "请咨询中心。", "只能由中心恢复。"}},
}};

constexpr std::optional<Reason> kSituationReasons[kSituations] = {
    std::nullopt,
    std::nullopt,
    std::nullopt,
    std::nullopt,
    std::nullopt,
    Reason::kCardNotInAccount,
    Reason::kWaitingForInstallation,
    Reason::kInstallBlacklisted,
    Reason::kInstallOutOfArea,
    Reason::kInstallUnknownCell,
    Reason::kInstallNoSignal,
    Reason::kLocationBlacklisted,
    Reason::kLocationOutOfArea,
    Reason::kAccountClosed,
    Reason::kSwitchedOff,
    Reason::kCardEvicted,
    Reason::kSwitchedOff,
};

constexpr std::string_view kScreenCodes[] = {"", "E01", "E02", "E04", "E05", "E09", "E11", "E14"};
constexpr Words kScreens[] = {
    {"No code: there should be a picture.", "无代码:应有图像。"},
    {"E01: there is no card in the box, or it sits the wrong way round.", "E01:机顶盒内无卡或卡插反。"},
    {"E02: the card is unknown to the head-end or belongs to no account.", "E02:卡未登记或未开户。"},
    {"E04: the card has no right to the programme now: it is switched off, its account is closed, or its "
     "keys have "
     "not come yet.",
     "E04:当前无授权:卡被关断、账户已销户,或密钥尚未收到。"},
    {"E05: the box received damaged data: check dish and cable.", "E05:接收数据有误:请检查天线与线缆。"},
    {"E09: not authorised in this place: waiting for installation, or switched off for its location, by the "
     "head-end "
     "or by the box itself.",
     "E09:在此地点未授权:等待安装,或因位置被前端或机顶盒本机关断。"},
    {"E11: the card's security check failed: the card is not genuine or is damaged.",
     "E11:卡安全校验失败:卡非正品或已损坏。"},
    {"E14: card and box are not paired with each other.", "E14:机卡不匹配。"},
};
static_assert(std::size(kScreenCodes) == std::size(kScreens));

constexpr std::array<Words, 4> kDeliveries = {{
    {"The card's newest message waits for its turn on the air.", "该卡最新指令正在排队等待播出。"},
    {"The card's newest message is on the air and is repeated; the box has not reported since.",
     "该卡最新指令已播出并重复播发;机顶盒此后尚未上报。"},
    {"The switch-off is no longer repeated; it takes effect at the end of the key epoch at the latest.",
     "关断指令已停止重复;最迟在本密钥周期结束时生效。"},
    {"The box has reported since the card's newest message was sent.", "该卡最新指令播出后,机顶盒已有上报。"},
}};

constexpr std::array<Words, 6> kVerdicts = {{
    {"in its area", "在服务区域内"},
    {"in another area", "在其他区域"},
    {"in a city", "在城区"},
    {"on unknown cells", "基站未知"},
    {"no signal", "无基站信号"},
    {"exempt", "豁免"},
}};

constexpr std::array<Words, 4> kFates = {{
    {"own area", "本区域"},
    {"city", "城区"},
    {"another area", "其他区域"},
    {"on no list", "不在名单"},
}};

constexpr std::array<Words, kOfflines> kOfflineTexts = {{
    {"The box itself, offline: lit, it heard a cell of its area.",
     "机顶盒本机(离线):不黑屏,听到本区域基站。"},
    {"The box itself, offline: dark, its serving cell is a city's and it hears no cell of its area (two "
     "readings a "
     "minute apart).",
     "机顶盒本机(离线):黑屏,主基站属城区且听不到本区域基站(间隔一分钟两次)。"},
    {"The box itself, offline: dark once it was powered on for {hours} hours on cells that are not its "
     "area's.",
     "机顶盒本机(离线):在非本区域基站下累计开机 {hours} 小时后黑屏。"},
    {"The box itself, offline: dark once its module was deaf for {hours} hours powered on.",
     "机顶盒本机(离线):模块听不到基站累计开机 {hours} 小时后黑屏。"},
    {"The box itself, offline: lit, it is exempt from the whitelist; a city's cells darken it.",
     "机顶盒本机(离线):不黑屏,免白名单校验;听到城区基站则黑屏。"},
    {"The box itself, offline: it has never reported, so nothing is known of what it hears.",
     "机顶盒本机(离线):从未上报,情况不明。"},
}};

constexpr std::array<Words, kLines> kLineTexts = {{
    // {time} {verdict} {cells}
    {"last report {time}: {verdict}; cells {cells}", "最近上报 {time}:{verdict};基站 {cells}"},
    // {cell} {fate}
    {"cell {cell}: {fate}", "基站 {cell}:{fate}"},
    // {cell} {fate} {list} {version}
    {"cell {cell}: {fate}, list {list} version {version}", "基站 {cell}:{fate},名单 {list} 第 {version} 版"},
    // {time}
    {"decided by the report of {time}", "依据 {time} 的上报作出决定"},
    // {list} {version} {policy}
    {"in force: whitelist {list} version {version}, policy version {policy}",
     "现行:白名单 {list} 第 {version} 版,策略第 {policy} 版"},
    // {time} {state} {verdict} {cause} {cells} {policy} {lists}
    {"{time} {state}: {verdict} ({cause}); cells {cells}; policy {policy}{lists}",
     "{time} {state}:{verdict}({cause});基站 {cells};策略 {policy}{lists}"},
    // {number}
    {"intervention {number} waits for an operator", "干预 {number} 等待操作员处理"},
    // {time}
    {"on the air since {time}", "自 {time} 起播出"},
    // {time}
    {"expected on the air by {time}", "预计 {time} 前播出"},
    // {time}
    {"in effect by {time} at the latest", "最迟 {time} 生效"},
    // {time} {actor} {approver} {reason}
    {"exempt, a home without signal, until {time}: granted by {actor}, approved by {approver}: {reason}",
     "无基站信号豁免,至 {time}:{actor} 批复,{approver} 核准:{reason}"},
    // {area} {time} {actor} {reason}
    {"relocation to area {area} requested {time} by {actor}, not approved yet: {reason}",
     "移机至服务区域 {area}:{actor} 于 {time} 申请,尚未批准:{reason}"},
    // {area} {time} {actor} {reason}
    {"relocation to area {area} approved by {actor}: both areas are home until {time}, and the first report "
     "from the new one makes it the card's: {reason}",
     "移机至服务区域 {area}:{actor} 已批准,至 {time} 新旧区域均可收看,新址首次上报后即归新区域:{reason}"},
}};

template <typename Enum, size_t N>
std::string_view Pick(const std::array<Words, N>& words, Enum value, size_t first, Language language) {
  const size_t index = static_cast<size_t>(value) - first;
  return index < N ? words[index].In(language) : std::string_view();
}

}  // namespace

const SituationText& TextOf(Situation situation, Language language) {
  return kSituationTexts[static_cast<size_t>(situation)].In(language);
}

std::optional<Reason> ReasonOf(Situation situation) {
  return kSituationReasons[static_cast<size_t>(situation)];
}

std::span<const std::string_view> ScreenCodes() { return kScreenCodes; }

std::string_view ScreenText(std::string_view code, Language language) {
  for (size_t i = 0; i < std::size(kScreenCodes); ++i) {
    if (kScreenCodes[i] == code) return kScreens[i].In(language);
  }
  return "";
}

std::string_view DeliveryText(DeliveryState state, Language language) {
  return Pick(kDeliveries, state, 1, language);
}
std::string_view VerdictText(geofence::Verdict verdict, Language language) {
  return Pick(kVerdicts, verdict, 1, language);
}
std::string_view FateText(geofence::CellFate fate, Language language) {
  return Pick(kFates, fate, 1, language);
}
std::string_view OfflineText(Offline offline, Language language) {
  return Pick(kOfflineTexts, offline, 0, language);
}
std::string_view LineText(Line line, Language language) { return Pick(kLineTexts, line, 0, language); }

}  // namespace hearth::app
