// The platform's time, which may be ahead of this machine's.

let skew = 0; // seconds

export function setNow(seconds) {
  skew = seconds - Date.now() / 1000;
}

export const now = () => Date.now() / 1000 + skew;

const two = (number) => String(number).padStart(2, "0");
const day = (date) => `${date.getMonth() + 1}-${date.getDate()}`;

/** 22:50, and the day before it where it is not today's. */
export function clock(seconds) {
  const date = new Date(seconds * 1000);
  const time = `${two(date.getHours())}:${two(date.getMinutes())}`;
  return date.toDateString() === new Date(now() * 1000).toDateString() ? time : `${day(date)} ${time}`;
}

export const dayAndTime = (seconds) => {
  const date = new Date(seconds * 1000);
  return `${day(date)} ${two(date.getHours())}:${two(date.getMinutes())}`;
};

export const full = (seconds) => {
  const date = new Date(seconds * 1000);
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
};

const CHINA = 8 * 3600; // seconds ahead of UTC, all year

/** Seconds until half past nine, China's time, on the first of the month after this one: an hour at which a month's end is dealt with. */
export function untilNextMonth() {
  const here = new Date((now() + CHINA) * 1000);
  return Date.UTC(here.getUTCFullYear(), here.getUTCMonth() + 1, 1, 9, 30) / 1000 - CHINA - now();
}

const UNITS = [[86400, "天", "d"], [3600, "小时", "h"], [60, "分钟", "min"]];

/** 90000 -> ["1 天 1 小时", "1 d 1 h"], the two largest units of it. */
export function span(seconds) {
  let left = Math.round(seconds);
  const parts = UNITS.flatMap(([size, chinese, english]) => {
    const count = Math.floor(left / size);
    left -= count * size;
    return count ? [[`${count} ${chinese}`, `${count} ${english}`]] : [];
  });
  if (!parts.length) return [`${left} 秒`, `${left} s`];
  return [0, 1].map((language) => parts.slice(0, 2).map((part) => part[language]).join(" "));
}
