package messaging

import "sync"

// The kinds of message beside those of booking, whose names are its own.
const (
	KindCode = "portal.code"
)

func sample(name, zh, en string) Param {
	return Param{Name: name, Sample: map[string]string{"zh-CN": zh, "en": en}}
}

func maybe(name, zh, en string) Param {
	p := sample(name, zh, en)
	p.Optional = true
	return p
}

// houseParams are known to every template and filled by the service.
func houseParams() []Param {
	return []Param{sample("hospital", "爱心医院", "Love Hospital"), sample("hotline", "96166", "96166")}
}

// visitParams describe an appointment.
func visitParams() []Param {
	return append(houseParams(),
		sample("name", "张三", "Zhang San"), sample("date", "2026-03-16", "2026-03-16"), sample("time", "09:30", "09:30"),
		maybe("department", "心血管内科", "Cardiology"), maybe("doctor", "李文", "Dr Li Wen"), maybe("exam", "", ""),
		maybe("room", "门诊楼3层 305诊室", "Building A, room 305"), maybe("campus", "南湖院区", "South campus"),
		maybe("code", "20418836", "20418836"), maybe("seq", "12", "12"), maybe("fee", "50元", "¥50"),
		maybe("preparation", "", ""), maybe("how_to_get_there", "", ""))
}

// series describe several visits in one message. A visit of the list is written
// as a date and a time.
func series() []Param {
	return append(houseParams(),
		sample("name", "张三", "Zhang San"), sample("count", "6", "6"),
		sample("visits", "2026-03-16 09:30, 2026-03-23 09:30, 2026-03-30 10:00, 2026-04-06 09:30", "2026-03-16 09:30, 2026-03-23 09:30, 2026-03-30 10:00, 2026-04-06 09:30"),
		maybe("more", "2", "2"), maybe("department", "心血管内科", "Cardiology"), maybe("doctor", "李文", "Dr Li Wen"), maybe("exam", "", ""), maybe("campus", "南湖院区", "South campus"))
}

// Kinds lists every message that the program sends. Nobody changes it.
func Kinds() []Kind { return kinds() }

var kinds = sync.OnceValue(func() []Kind {
	visit := func(extra ...Param) []Param { return append(visitParams(), extra...) }
	old := []Param{maybe("old_date", "2026-03-15", "2026-03-15"), maybe("old_time", "08:30", "08:30")}
	reason := maybe("reason", "医生外出会诊", "the doctor is away")
	return []Kind{
		{Name: "booking.booked", Class: ClassService, Params: visit()},
		{Name: "booking.changed", Class: ClassService, Params: visit(old...)},
		{Name: "booking.cancelled", Class: ClassService, Params: visit(reason)},
		{Name: "booking.session_closed", Class: ClassService, Params: visit(reason, maybe("offer_date", "2026-03-17", "2026-03-17"), maybe("offer_time", "10:00", "10:00"),
			maybe("offer_until", "2026-03-15 18:00", "2026-03-15 18:00"))},
		{Name: "booking.waitlist_offer", Class: ClassService, Params: visit(maybe("until", "10:30", "10:30"))},
		{Name: "booking.reminder", Class: ClassReminder, Params: visit()},
		{Name: "booking.missed", Class: ClassReminder, Params: visit(maybe("penalty", "", ""))},
		{Name: "booking.time_moved", Class: ClassService, Params: visit(old...)},
		{Name: "booking.series", Class: ClassService, Params: series()},
		{Name: "booking.series_cancelled", Class: ClassService, Params: series()},
		{Name: KindCode, Class: ClassOTP, Params: append(houseParams(), sample("code", "482913", "482913"), sample("minutes", "5", "5"))},
	}
})

func kindOf(name string) (Kind, bool) {
	for _, k := range Kinds() {
		if k.Name == name {
			return k, true
		}
	}
	return Kind{}, false
}

// shipped are the texts of version 1.
func shipped(name, lang string) string {
	zh := lang == "zh-CN"
	pick := func(a, b string) string {
		if zh {
			return a
		}
		return b
	}
	switch name {
	case "booking.booked":
		return pick("【{hospital}】{name}您好，您已预约{date}{time}[ {department}][ {doctor}][ {exam}][，地点{room}]。[取号码{code}，请提前30分钟凭码或证件签到。][{preparation}]改期或取消请拨{hotline}。",
			"{hospital}: Dear {name}, your visit is booked for {date} {time}[, {department}][, {doctor}][, {exam}][, {room}].[ Check-in code {code}.][ {preparation}] To change or cancel call {hotline}.")
	case "booking.changed":
		return pick("【{hospital}】{name}您好，您的预约已改为{date}{time}[ {department}][ {doctor}][ {exam}][，地点{room}][，取号码{code}]。[原{old_time}的号已释放。]如有疑问请拨{hotline}。",
			"{hospital}: Dear {name}, your visit was moved to {date} {time}[, {department}][, {doctor}][, {exam}][, {room}][, code {code}]. Questions: {hotline}.")
	case "booking.cancelled":
		return pick("【{hospital}】{name}您好，您{date}{time}[ {department}][ {doctor}][ {exam}]的预约已取消[（{reason}）]。已付费用将原路退回。如需重新预约请拨{hotline}。",
			"{hospital}: Dear {name}, your visit on {date} {time}[, {department}][, {doctor}][, {exam}] was cancelled[ ({reason})]. Fees are returned. To book again call {hotline}.")
	case "booking.session_closed":
		return pick("【{hospital}】{name}您好，很抱歉，{date}{time}[ {department}][ {doctor}][ {exam}]停诊[（{reason}）]，费用将全额退回，不计爽约。[已为您保留{offer_date}{offer_time}的号，回复1接受，回复2放弃，{offer_until}前有效。]改期请拨{hotline}。",
			"{hospital}: Dear {name}, we are sorry: the clinic on {date} {time}[, {department}][, {doctor}][, {exam}] is closed[ ({reason})]. Fees are returned in full.[ We keep a place for you on {offer_date} {offer_time} until {offer_until}: reply 1 to take it, 2 to decline.] Questions: {hotline}.")
	case "booking.waitlist_offer":
		return pick("【{hospital}】{name}您好，您候补的{date}{time}[ {department}][ {doctor}][ {exam}]有号了。回复1接受，回复2放弃[，请在{until}前回复]，逾期顺延给下一位。",
			"{hospital}: Dear {name}, a number is free on {date} {time}[, {department}][, {doctor}][, {exam}]. Reply 1 to take it, 2 to decline[, before {until}].")
	case "booking.reminder":
		return pick("【{hospital}】{name}您好，提醒您{date}{time}[ {department}][ {doctor}][ {exam}]就诊[，地点{room}][，取号码{code}]。[{preparation}]回复1确认，回复2取消。",
			"{hospital}: Dear {name}, your visit is on {date} {time}[, {department}][, {doctor}][, {exam}][, {room}][, code {code}].[ {preparation}] Reply 1 to confirm, 2 to cancel.")
	case "booking.missed":
		return pick("【{hospital}】{name}您好，您{date}{time}[ {department}][ {doctor}][ {exam}]的预约未到诊，已记为爽约。[{penalty}]如有特殊情况请拨{hotline}申诉。",
			"{hospital}: Dear {name}, you did not come to your visit on {date} {time}[, {department}][, {doctor}][, {exam}].[ {penalty}] If there was a reason call {hotline}.")
	case "booking.time_moved":
		return pick("【{hospital}】{name}您好，您的就诊时间调整为{date}{time}[ {department}][ {doctor}][ {exam}][，地点{room}][（原{old_time}）]。如不便请拨{hotline}免费改期。",
			"{hospital}: Dear {name}, the time of your visit is now {date} {time}[, {department}][, {doctor}][, {exam}][, {room}][ (before: {old_time})]. If it does not suit call {hotline}.")
	case "booking.series":
		return pick("【{hospital}】{name}您好，已为您预约{count}次就诊[ {department}][ {doctor}][ {exam}]：{visits}[，另有{more}次请来电查询]。到院凭证件签到，每次就诊前另行提醒。改期或取消请拨{hotline}。",
			"{hospital}: Dear {name}, {count} visits are booked[, {department}][, {doctor}][, {exam}]: {visits}[ and {more} more, ask us]. Check in with your ID; we remind you before each visit. To change or cancel call {hotline}.")
	case "booking.series_cancelled":
		return pick("【{hospital}】{name}您好，您的{count}次就诊[ {department}][ {doctor}][ {exam}]已取消：{visits}[，另有{more}次]。已付费用将原路退回。如需重新预约请拨{hotline}。",
			"{hospital}: Dear {name}, {count} visits[, {department}][, {doctor}][, {exam}] were cancelled: {visits}[ and {more} more]. Fees are returned. To book again call {hotline}.")
	case KindCode:
		return pick("【{hospital}】验证码{code}，{minutes}分钟内有效。请勿告诉任何人，工作人员不会向您索取。",
			"{hospital}: your code is {code}, valid for {minutes} minutes. Tell nobody; our staff never ask for it.")
	}
	return ""
}

// Known keeps the parameters that a kind knows.
func Known(name string, params map[string]string) map[string]string {
	k, _ := kindOf(name)
	out := make(map[string]string, len(params))
	for _, p := range k.Params {
		if v := params[p.Name]; v != "" {
			out[p.Name] = v
		}
	}
	return out
}
