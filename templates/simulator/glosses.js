// What common labels of menus and tags say in English. A label that is not here is shown as it is.

const GLOSSES = {
  // menus
  我要帮: "I want to help",
  我求助: "I need help",
  我的: "My things",
  我捐的: "What I gave",
  看一看: "Look around",
  看求助: "See appeals",
  看求物: "See wanted goods",
  看送物: "See goods on offer",
  送物: "Give goods",
  逛集市: "Village market",
  集市: "Village market",
  我的捐赠: "My pledges",
  注册: "Register",
  登记: "Register",
  求助: "Ask for help",
  众筹: "Crowdfund",
  求物: "Ask for goods",
  上架: "Sell produce",
  捐: "Pledge",
  帮助: "Help",
  人工: "Talk to a person",
  隐私: "Privacy",
  菜单: "Menu",
  待办: "To do",
  消息: "News",
  取消: "Cancel",
  返回: "Back",
  继续: "Go on",
  联系我们: "Contact us",
  关于我们: "About us",
  // tags
  居民: "resident",
  爱心人士: "donor",
  帮扶干部: "officer",
  村民: "villager",
  志愿者: "volunteer",
  管理员: "admin",
};

export const gloss = (label) => GLOSSES[label] ?? "";
