package booking

// ExamSeed is a common examination to begin with: what it is and what it asks
// of the patient. A hospital adds department, room and fee.
type ExamSeed struct {
	Code          string
	Name          string
	NameEN        string
	Equipment     string
	Minutes       int
	Fee           int64 // 分
	Fasting       bool
	Preparation   string
	PreparationEN string
	After         map[string]int // codes of examinations that may follow only so many hours later
}

// DefaultExams are twelve common examinations with their preparation and what
// must be kept apart: barium hides what an endoscope, a scanner or an
// ultrasound looks for; contrast media need time to leave the body.
func DefaultExams() []ExamSeed {
	list := append(endoscopies(), soundAndHeart()...)
	return append(list, scans()...)
}

func endoscopies() []ExamSeed {
	return []ExamSeed{
		{Code: "GI-GASTRO", Name: "电子胃镜", NameEN: "Gastroscopy", Equipment: "endoscope-1", Minutes: 20, Fee: 260_00, Fasting: true,
			Preparation:   "检查前一天晚上8点后禁食，检查当天禁食禁水。服用抗凝药、降压药者请先咨询医生。需有家属陪同，请携带近期乙肝、丙肝等检查结果。",
			PreparationEN: "Nothing to eat after 8 pm the evening before; nothing to eat or drink on the day. Ask your doctor about blood thinners and blood-pressure drugs. Come with a companion and bring recent hepatitis results.",
			After:         map[string]int{"GI-BARIUM": 24}},
		{Code: "GI-COLON", Name: "电子结肠镜", NameEN: "Colonoscopy", Equipment: "endoscope-2", Minutes: 40, Fee: 380_00, Fasting: true,
			Preparation:   "检查前两天吃少渣饮食，前一天流质饮食，按说明服用泻药清肠，直至排出清水样便。女性请避开月经期。需有家属陪同。",
			PreparationEN: "Low-residue food for two days, liquids only on the day before; take the bowel preparation as written until the stool is clear water. Not during menstruation. Come with a companion.",
			After:         map[string]int{"GI-BARIUM": 48}},
		{Code: "GI-BARIUM", Name: "上消化道钡餐", NameEN: "Barium meal", Equipment: "fluoroscope-1", Minutes: 20, Fee: 150_00, Fasting: true,
			Preparation:   "检查前3天停服含铋、铁、钙等药物，检查前一晚10点后禁食禁水。孕妇及怀疑胃肠穿孔、肠梗阻者不能做。检查后多饮水。",
			PreparationEN: "No drugs with bismuth, iron or calcium for three days; nothing to eat or drink after 10 pm the evening before. Not in pregnancy or when perforation or obstruction is suspected. Drink plenty afterwards.",
			After:         map[string]int{"GI-GASTRO": 72, "GI-COLON": 168, "CT-ABDOMEN": 168, "US-ABDOMEN": 72}},
		{Code: "GI-C13", Name: "碳13呼气试验", NameEN: "C13 urea breath test", Equipment: "breath-1", Minutes: 40, Fee: 170_00, Fasting: true,
			Preparation:   "空腹至少4小时。检查前4周停用抗生素和铋剂，前2周停用质子泵抑制剂。",
			PreparationEN: "Fast for at least four hours. No antibiotics or bismuth for four weeks, no proton-pump inhibitors for two.",
			After:         map[string]int{"GI-GASTRO": 1}},
	}
}

func soundAndHeart() []ExamSeed {
	return []ExamSeed{
		{Code: "US-ABDOMEN", Name: "腹部彩超", NameEN: "Abdominal ultrasound", Equipment: "ultrasound-1", Minutes: 15, Fee: 180_00, Fasting: true,
			Preparation:   "检查前空腹8小时以上，前一天晚餐清淡，不吃豆制品、牛奶等产气食物。",
			PreparationEN: "Fast for eight hours or more; a light dinner the day before, without beans, milk or other food that makes gas."},
		{Code: "US-PELVIS", Name: "妇科彩超（经腹）", NameEN: "Pelvic ultrasound", Equipment: "ultrasound-2", Minutes: 15, Fee: 160_00,
			Preparation:   "检查前1小时饮水800–1000毫升，憋尿至膀胱充盈。",
			PreparationEN: "Drink about a litre of water an hour before and do not empty the bladder."},
		{Code: "US-HEART", Name: "心脏彩超", NameEN: "Echocardiography", Equipment: "ultrasound-3", Minutes: 20, Fee: 240_00,
			Preparation:   "无需空腹，请穿宽松上衣，检查前休息10分钟。",
			PreparationEN: "No fasting. Wear a loose top and rest for ten minutes before."},
		{Code: "EKG-HOLTER", Name: "24小时动态心电图", NameEN: "Holter ECG, 24 hours", Equipment: "holter-1", Minutes: 15, Fee: 210_00,
			Preparation:   "检查前一天洗澡，佩戴期间不能洗澡，远离强磁场，记录活动和不适。第二天同一时间归还。",
			PreparationEN: "Shower the day before; no shower and no strong magnets while you wear it. Keep a diary. Bring it back at the same time the next day.",
			After:         map[string]int{"MR-HEAD": 24}},
	}
}

func scans() []ExamSeed {
	return []ExamSeed{
		{Code: "CT-CHEST", Name: "胸部CT平扫", NameEN: "Chest CT", Equipment: "ct-1", Minutes: 10, Fee: 280_00,
			Preparation:   "无需空腹。请去除胸部金属饰物，练习吸气后屏气。备孕和怀孕请提前告知。",
			PreparationEN: "No fasting. Take off metal at the chest and practise holding your breath. Tell us if you are or may be pregnant."},
		{Code: "CT-ABDOMEN", Name: "腹部增强CT", NameEN: "Abdominal CT with contrast", Equipment: "ct-1", Minutes: 25, Fee: 680_00, Fasting: true,
			Preparation:   "空腹6小时，可少量饮水。碘过敏、肾功能不全、甲亢者请提前告知；服用二甲双胍者按医嘱停药48小时。须携带近期肾功能结果，家属陪同。",
			PreparationEN: "Fast for six hours; a little water is fine. Tell us about iodine allergy, kidney or thyroid disease; pause metformin for 48 hours as told. Bring a recent kidney result and a companion.",
			After:         map[string]int{"CT-CONTRAST-HEART": 72}},
		{Code: "CT-CONTRAST-HEART", Name: "冠状动脉CTA", NameEN: "Coronary CT angiography", Equipment: "ct-2", Minutes: 30, Fee: 980_00, Fasting: true,
			Preparation:   "空腹4小时，当天不喝咖啡和茶，心率控制在70次/分以下。碘过敏、哮喘、肾功能不全者请提前告知，家属陪同。",
			PreparationEN: "Fast for four hours; no coffee or tea that day; heart rate below 70. Tell us about iodine allergy, asthma or kidney disease. Come with a companion.",
			After:         map[string]int{"CT-ABDOMEN": 72}},
		{Code: "MR-HEAD", Name: "头颅磁共振", NameEN: "Head MRI", Equipment: "mr-1", Minutes: 30, Fee: 620_00,
			Preparation:   "体内有起搏器、人工耳蜗、金属异物者不能做，请务必提前告知。去除所有金属物品、磁卡、手机，卸妆。幽闭恐惧者请提前说明。",
			PreparationEN: "Not with a pacemaker, cochlear implant or metal in the body: tell us beforehand. Leave metal, cards and phone outside; no make-up. Tell us if you fear narrow rooms."},
	}
}
