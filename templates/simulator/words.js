// What the page's script says, in Chinese and in English. Everything else stands in page.html.

export const LINES = {
  subscribe: ["你关注了公众号", "You followed the account"],
  unsubscribe: ["你取消了关注", "You unfollowed the account"],
  SCAN: ["扫了公众号的码", "Scanned the account's code"],
  CLICK: ["点了菜单", "Tapped the menu"],
  VIEW: ["点了菜单，打开网页", "Tapped the menu, opens a page"],
  view_miniprogram: ["点了菜单，打开小程序", "Tapped the menu, opens a mini program"],
  scancode_push: ["点了菜单，扫码", "Tapped the menu, scanned"],
  scancode_waitmsg: ["点了菜单，扫码", "Tapped the menu, scanned"],
  pic_sysphoto: ["点了菜单，拍照", "Tapped the menu, took a photo"],
  pic_photo_or_album: ["点了菜单，发照片", "Tapped the menu, sent a photo"],
  pic_weixin: ["点了菜单，发照片", "Tapped the menu, sent a photo"],
  location_select: ["点了菜单，选位置", "Tapped the menu, chose a place"],
  unavailable: ["该公众号暂时无法提供服务，请稍后再试", "The account cannot serve you for the moment; please try later"],
};

// The cards by which a web page is forwarded.
export const SHARED = {
  updateAppMessageShareData: ["发给朋友", "to a friend"],
  updateTimelineShareData: ["发到朋友圈", "to Moments"],
};

export const KINDS = {
  text: ["文字", "text"],
  image: ["照片", "photo"],
  voice: ["语音", "voice"],
  video: ["视频", "video"],
  shortvideo: ["小视频", "short video"],
  location: ["位置", "place"],
  link: ["链接", "link"],
  subscribe: ["关注", "follow"],
  unsubscribe: ["取消关注", "unfollow"],
  SCAN: ["扫码", "scan"],
  CLICK: ["点菜单", "menu tap"],
  VIEW: ["打开网页", "menu link"],
  TEMPLATESENDJOBFINISH: ["模板消息结果", "template report"],
  subscribe_msg_popup_event: ["订阅选择", "consent"],
  subscribe_msg_change_event: ["改订阅", "consent changed"],
  subscribe_msg_sent_event: ["订阅通知结果", "notice report"],
};

// Kinds of faults; what each does stands in drawers.html.
export const FAULTS = {
  drop: ["投递丢失", "Lost delivery"],
  late: ["回答太迟", "Late answer"],
  delay: ["送得慢", "Slow delivery"],
  duplicate: ["送了两遍", "Sent twice"],
  forge: ["签名不对", "Wrong signature"],
  reorder: ["次序颠倒", "Out of order"],
  refuse: ["接口报错", "Error code"],
  slow: ["接口慢", "Slow API"],
  down: ["接口断线", "API down"],
  lost: ["回答丢失", "Lost answer"],
  probe: ["探测：签名是假的", "probe with a wrong signature"],
};

// What became of a callback of Pay.
export const CALLBACKS = {
  waiting: ["还要再送", "to be sent again"],
  taken: ["收下了", "taken"],
  given_up: ["不再送了", "given up"],
};

export const STATUS = {
  replied: ["已回复", "replied"],
  silent: ["没有回复", "no reply"],
  unavailable: ["无法提供服务", "unavailable"],
};

export const OUTCOMES = {
  answered: ["收到回答", "answered"],
  timeout: ["超过期限，断开", "too late, cut off"],
  unreachable: ["连不上", "not reachable"],
  http_status: ["状态码不是200", "status is not 200"],
  dropped: ["丢了，没有送到", "lost on the way"],
  late: ["回答来得太迟", "answered too late"],
  taken: ["收下了", "taken"],
  refused: ["没有收下", "refused"],
};

export const VIOLATIONS = {
  not_utf8: ["不是UTF-8", "Not UTF-8"],
  malformed_xml: ["XML写得不对", "The XML is not well-formed"],
  document_type: ["不许有DOCTYPE", "A document type is not allowed"],
  wrong_root: ["最外层应当是<xml>", "The root must be <xml>"],
  plain_in_safe_mode: ["安全模式下回复没有加密", "A plain reply in safe mode"],
  sealed_in_plain_mode: ["明文模式下回复加了密", "A sealed reply in plain mode"],
  envelope_incomplete: ["加密信封缺字段", "The sealed envelope lacks fields"],
  wrong_signature: ["签名不对", "Wrong signature"],
  not_base64: ["密文不是base64", "The sealed text is not base64"],
  bad_padding: ["密文填充不对（密钥不对？）", "Wrong padding (another key?)"],
  bad_length: ["密文长度不对", "Wrong length inside the sealed text"],
  wrong_app_id: ["AppID不对", "Another AppID inside the sealed text"],
  missing_field: ["缺字段", "A field is missing"],
  unexpected_field: ["多出字段", "A field that does not belong there"],
  repeated_field: ["字段重复", "A field stands twice"],
  loose_text: ["字段外面有文字", "Text outside the fields"],
  wrong_recipient: ["收件人不是发消息的人", "ToUserName is not the person who wrote"],
  wrong_sender: ["发件人不是公众号", "FromUserName is not the account"],
  wrong_time: ["CreateTime不是整数", "CreateTime is not a whole number"],
  unknown_kind: ["没有这种消息", "No such MsgType"],
  text_too_long: ["文字太长", "The text is too long (bytes)"],
  wrong_article_count: ["ArticleCount对不上", "ArticleCount does not fit the articles"],
  too_many_articles: ["图文只能一条", "Only one article is allowed"],
  wrong_url: ["链接不是http(s)", "The link is not http(s)"],
};

export const TROUBLE = {
  offline: ["模拟器没有回答，它还开着吗？", "The simulator does not answer. Is it still running?"],
  no_such_button: ["菜单刚刚变了，请再点一次", "The menu has just changed; please tap again"],
  dead_code: ["这个码已经过期了", "This code has expired"],
  unknown_person: ["没有这个人了，请重新选", "This person is gone; please pick again"],
  bad_request: ["没有填好，请检查", "Something is not filled in right"],
  40005: ["这不是照片，请选 JPG 或 PNG", "This is not a photo; choose a JPG or PNG"],
  40009: ["照片太大了，要小于 10 MB", "The photo is too large; below 10 MB please"],
  41005: ["文件是空的", "The file is empty"],
  413: ["文件太大了，要小于 10 MB", "The file is too large; below 10 MB please"],
  missing_parameter: ["网页调起支付时少了参数", "The page asks for a payment without all its parameters"],
  wrong_app: ["网页给的AppID不对", "The page asks for a payment with another AppID"],
  bad_sign_type: ["signType应当是RSA", "signType must be RSA"],
  bad_timestamp: ["timeStamp应当是十位的秒数", "timeStamp must be seconds, ten digits"],
  bad_signature: ["paySign签名不对", "paySign is wrong"],
  other: ["没有成功，请再试一次", "That did not work; please try again"],
};

export const SMALL = {
  late: ["服务器还没有回答，微信会再送一次（一共三次）", "No answer yet; WeChat delivers again, three times in all"],
  sending: ["正在发送", "Sending"],
  failed: ["没有发出去，点这里再发", "Not sent. Tap to send again"],
  typing: ["对方正在输入", "Answering"],
  unread: ["条未读", "unread"],
  recognised: ["说的话", "What is said"],
  unheard: ["（没有说话）", "(nothing said)"],
  photo: ["[照片]", "[photo]"],
  place: ["[位置]", "[place]"],
  voice: ["[语音]", "[voice]"],
  news: ["[图文]", "[article]"],
  link: ["[链接]", "[link]"],
  notice: ["[通知]", "[notice]"],
  video: ["视频", "Video"],
  music: ["音乐", "Music"],
  template: ["模板消息", "template message"],
  subscription: ["订阅通知", "subscription notice"],
  more: ["详情", "Details"],
  chat: ["聊天", "Chat"],
  this: ["这个人", "This person"],
  these: ["这几个人", "These people"],
  beside: ["在旁边再开一部手机", "Open beside"],
  until: ["有效到", "valid until then"],
  forever: ["永久有效", "for ever"],
  you: ["你是", "You are"],
  request: ["送去", "Request"],
  reply: ["回答", "Reply"],
  wire: ["线上原文", "As on the wire"],
  nothing: ["（空）", "(empty)"],
  delivery: ["投递", "Delivery"],
  toMenu: ["换成菜单", "Show the menu"],
  toKeys: ["换成键盘", "Show the keyboard"],
  callback: ["支付回调", "Pay callback"],
  opened: ["解密以后", "Opened"],
  undelivered: ["没有投递", "Not delivered"],
  hush: ["微信在静默的一分钟里，什么也没有投递", "WeChat was silent for its minute and delivered nothing"],
  blacklisted: ["这个人被公众号拉黑了，公众号听不到", "The account has blacklisted this person and hears nothing of them"],
  fault: ["故障", "fault"],
  lift: ["解除", "Lift"],
  everything: ["所有投递", "All deliveries"],
  callbacks: ["支付回调", "Pay callbacks"],
  everywhere: ["全部", "all"],
  inForce: ["个故障", "faults in force"],
  untilLifted: ["直到解除", "until lifted"],
  timesLeft: ["还有", "次", "left"],
};

export const CLOCK = {
  moving: ["正在拨", "Moving"],
  moved: ["拨过了 {}，到期的事都办完了", "Moved by {}; all that fell due is done"],
  ahead: ["比真的时间快 {}", "{} ahead of the true time"],
  behind: ["比真的时间慢 {}", "{} behind the true time"],
  true: ["和真的时间一样", "The true time"],
  silent: ["服务器接连出错，微信停止投递，还有 {} 秒", "Too many failures: WeChat delivers nothing for {} s"],
};

// Why the pay sheet takes no money, by the names that the simulator gives (bot/simulator/pay/phone.py).
export const PAY = {
  wrong_pin: ["支付密码不对，请再输一次", "Wrong PIN; please try again"],
  tries: ["还能输 {} 次", "{} tries left"],
  locked: ["密码输错太多次，请过三个小时再试", "Too many wrong PINs; try again in three hours"],
  paying: ["正在付，银行还没有回话", "Paying; the bank has not answered yet"],
  paid: ["这笔已经付过了", "This order is paid already"],
  closed: ["商家关了这笔订单", "The order is closed"],
  order_expired: ["这笔订单过期了", "The order has expired"],
  prepay_expired: ["这次支付过期了，请重新下单", "The prepay_id has expired; order again"],
  other_payer: ["这笔订单是别人的", "The order is another person's"],
  unknown_prepay: ["没有这笔订单", "There is no such order"],
  other: ["没有付成", "The payment failed"],
  hint: ["这里人人的密码都是 {}", "Everybody's PIN here is {}"],
};

export const CONSENT = {
  left: ["已同意", "次", "consents left"],
  none: ["还没有同意过", "no consent yet"],
  always: ["一直可以发", "always allowed"],
};

export const SCENES = [
  ["mud", "下雨就断的路", "Mud road"],
  ["greenhouse", "要修的大棚", "Greenhouse"],
  ["oranges", "刚摘的橘子", "Oranges"],
];
