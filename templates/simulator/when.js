// The platform's time, which may be ahead of this machine's.

let skew = 0; // seconds

export function setNow(seconds) {
  skew = seconds - Date.now() / 1000;
}

export const now = () => Date.now() / 1000 + skew;

const CHINA = 8 * 3600; // seconds ahead of UTC, all year

const two = (number) => String(number).padStart(2, "0");

/** China's date and time as the parts that are written: wherever the browser is, the account's words go by that clock. */
function inChina(seconds) {
  const date = new Date((seconds + CHINA) * 1000);
  const [month, day] = [date.getUTCMonth() + 1, date.getUTCDate()];
  return { year: date.getUTCFullYear(), month, day, time: `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}`, second: two(date.getUTCSeconds()) };
}

/** 22:50, and the day before it where it is not today's. */
export function clock(seconds) {
  const [then, today] = [inChina(seconds), inChina(now())];
  const sameDay = then.year === today.year && then.month === today.month && then.day === today.day;
  return sameDay ? then.time : dayAndTime(seconds);
}

export const dayAndTime = (seconds) => {
  const { month, day, time } = inChina(seconds);
  return `${month}-${day} ${time}`;
};

export const full = (seconds) => {
  const { year, month, day, time, second } = inChina(seconds);
  return `${year}-${two(month)}-${two(day)} ${time}:${second}`;
};

/** Seconds until half past nine, China's time, on the first of the month after this one: an hour at which a month's end is dealt with. */
export function untilNextMonth() {
  const here = new Date((now() + CHINA) * 1000);
  return Date.UTC(here.getUTCFullYear(), here.getUTCMonth() + 1, 1, 9, 30) / 1000 - CHINA - now();
}

const UNITS = [[86400, "天", "d"], [3600, "小时", "h"], [60, "分钟", "min"]];

/** 90000 -> ["1 天 1 小时", "1 d 1 h"], the two largest units of it. */
export function span(seconds) {
  let left = seconds < 3600 ? Math.round(seconds) : Math.round(seconds / 60) * 60; // of hours nobody counts the seconds
  const parts = UNITS.flatMap(([size, chinese, english]) => {
    const count = Math.floor(left / size);
    left -= count * size;
    return count ? [[`${count} ${chinese}`, `${count} ${english}`]] : [];
  });
  if (!parts.length) return [`${left} 秒`, `${left} s`];
  return [0, 1].map((language) => parts.slice(0, 2).map((part) => part[language]).join(" "));
}
