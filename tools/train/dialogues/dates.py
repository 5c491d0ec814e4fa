"""Calendar, clock and units."""
from .lists import DAYS, MONTHS, SEASONS
from .numbers import ordinal, words
from .phrasing import ask, capital, listed, pick

LENGTH = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]


def leap(year):
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def weekdays(random):
    i = random.randrange(7)
    draw = random.randrange(9)
    day = DAYS[i]
    if draw == 0:
        return [(ask(random, ["What day comes after {d}?", "Which day follows {d}?", "what is the day after {d}", "{d} is followed by which day?", "If today is {d}, what day is tomorrow?", "Which weekday comes right after {d}?", "{d} today, so tomorrow is?", "Yesterday was {d}. What is today?", "The day following {d} is which?", "what comes after {d}", "After {d} comes what day?", "Today is {d}. What is tomorrow?"], d=day), pick(random, ["After {d} comes {e}.", "{e}.", "It is {e}."], d=day, e=DAYS[(i + 1) % 7]))]
    if draw == 1:
        return [(ask(random, ["What day comes before {d}?", "Which day is before {d}?", "what is the day before {d}", "If today is {d}, what day was yesterday?", "Which weekday comes just before {d}?", "{d} today, so yesterday was?", "Tomorrow is {d}. What is today?", "what comes before {d}", "The day ahead of {d} is which?", "Today is {d}. What day was it yesterday?"], d=day), pick(random, ["Before {d} comes {e}.", "{e}.", "It is {e}."], d=day, e=DAYS[(i - 1) % 7]))]
    if draw in (2, 3):
        n = random.choice([2, 3, 4, 5, 6, 7, 8, 9, 10, 14, 21])
        e = DAYS[(i + n) % 7]
        why = f"{n} days is {n // 7} week{'s' if n >= 14 else ''}" + (f" and {n % 7} day{'s' if n % 7 > 1 else ''}" if n % 7 else "") + ", so it" if n >= 7 else "It"
        return [(ask(random, ["Today is {d}. What day is it in {n} days?", "If today is {d}, what day will it be in {n} days?", "What day is {n} days after {d}?", "It is {d}. Which day is it {n} days from now?", "What day is it {n} days after {d}?", "Count {n} days on from {d}. Which day is that?", "My parcel comes {n} days after {d}. Which day is that?", "{n} days after {d} is what day?", "I leave on {d} and come back {n} days later. Which day is it?"], d=day, n=n if n > 6 else random.choice([n, words(n)])), f"{why} will be {e}." if random.random() < 0.7 else f"{e}.")]
    if draw == 4:
        n = random.randint(2, 6)
        return [(ask(random, ["Today is {d}. What day was it {n} days ago?", "If today is {d}, which day was {n} days ago?", "What day is {n} days before {d}?", "It is {d}. It happened {n} days ago. Which day was it?", "{n} days before {d} is which day?", "Go back {n} days from {d}. What day is it?"], d=day, n=n), pick(random, ["It was {e}.", "{e}."], e=DAYS[(i - n) % 7]))]
    if draw == 5:
        return [(ask(random, ["Which day of the week is the {o}?|", "What is the {o} day of the week, starting on Monday?", "If the week starts on Monday, what is day number {n}?"][1:], o=ordinal(i + 1), n=i + 1), pick(random, ["{d}.", "It is {d}."], d=day))]
    if draw == 6:
        return [(ask(random, ["Name the days of the week.", "What are the days of the week?", "List the weekdays in order.", "Which days does a week have?", "days of the week please", "Say all seven days.", "Which are the seven days?", "weekdays", "Write down all days of a week.", "Can you list the days from Monday on?"]), listed(DAYS) + ".")]
    if draw == 7:
        return [(ask(random, ["Is {d} a weekend day?", "Is {d} part of the weekend?", "Is {d} a working day for most people?|"][:2], d=day), f"Yes, {day} is part of the weekend." if i > 4 else f"No, {day} is a weekday.")]
    return [(ask(random, ["Which days are the weekend?", "What days make up the weekend?"]), "Saturday and Sunday.")] if random.random() < 0.3 else [(ask(random, ["How many days are between {a} and {b}?|", "How many days is it from {a} to {b}?", "How many days from {a} until {b}?"][1:], a=day, b=DAYS[(i + 3) % 7]), f"From {day} to {DAYS[(i + 3) % 7]} it is three days.")]


def months(random):
    i = random.randrange(12)
    m = MONTHS[i]
    draw = random.randrange(10)
    if draw == 0:
        return [(ask(random, ["What month comes after {m}?", "Which month follows {m}?", "what is the month after {m}", "Which month is next after {m}?", "{m} is over. Which month is it now?", "after {m}?", "The month that follows {m}?", "Name the month after {m}.", "When {m} ends, which month begins?"], m=m), pick(random, ["After {m} comes {n}.", "{n}."], m=m, n=MONTHS[(i + 1) % 12]))]
    if draw == 1:
        return [(ask(random, ["What month comes before {m}?", "Which month is before {m}?", "what is the month before {m}", "Which month ends when {m} begins?", "before {m}?", "The month just before {m}?", "Name the month before {m}."], m=m), pick(random, ["Before {m} comes {n}.", "{n}."], m=m, n=MONTHS[i - 1]))]
    if draw in (2, 3, 4):
        said = "28 days, and 29 in a leap year" if i == 1 else f"{LENGTH[i]} days"
        return [(ask(random, ["How many days does {m} have?", "How many days are in {m}?", "How many days has {m}?", "days in {m}?", "How many days are there in {m}?", "{m} has how many days?", "Tell me how many days {m} has.", "How long is {m}?", "number of days in {m}"], m=m), pick(random, ["{m} has {s}.", "{S}."], m=m, s=said, S=said))]
    if draw == 5:
        return [(ask(random, ["What is the {o} month of the year?", "Which month is the {o}?", "Which month is number {n}?", "name of month {n}"], o=ordinal(i + 1), n=i + 1), pick(random, ["The {o} month is {m}.", "{m}."], o=ordinal(i + 1), m=m))]
    if draw == 6:
        return [(ask(random, ["Which number is the month {m}?", "What number month is {m}?", "Which place has {m} among the months?"], m=m), f"{m} is the {ordinal(i + 1)} month.")]
    if draw == 7:
        season = ["winter", "winter", "spring", "spring", "spring", "summer", "summer", "summer", "autumn", "autumn", "autumn", "winter"][i]
        other = {"winter": "summer", "summer": "winter", "spring": "autumn", "autumn": "spring"}[season]
        return [(ask(random, ["In which season is {m}?", "What season is {m}?", "Is {m} in spring, summer, autumn or winter?"], m=m), f"In the northern half of the world {m} is in {season}." if random.random() < 0.6 else f"{m} is in {season} in the north, and in {other} in the south.")]
    if draw == 8:
        return [random.choice([(ask(random, ["Name the months of the year.", "What are the twelve months?", "List the months in order.", "List all months."]), listed(MONTHS) + "."), (ask(random, ["Which month is the shortest?", "What is the shortest month?", "Which month has the fewest days?"]), "February is the shortest month, with 28 or 29 days."),
                               (ask(random, ["Which months have 30 days?", "What months have thirty days?"]), "April, June, September and November have 30 days."), (ask(random, ["Which months have 31 days?"]), "January, March, May, July, August, October and December have 31 days."),
                               (ask(random, ["What is the first month of the year?", "With which month does the year begin?"]), "January is the first month."), (ask(random, ["What is the last month of the year?", "With which month does the year end?"]), "December is the last month.")])]
    s = random.randrange(4)
    return [random.choice([(ask(random, ["What season comes after {s}?", "Which season follows {s}?"], s=SEASONS[s]), f"After {SEASONS[s]} comes {SEASONS[(s + 1) % 4]}."), (ask(random, ["What season comes before {s}?", "Which season is before {s}?"], s=SEASONS[s]), f"Before {SEASONS[s]} comes {SEASONS[s - 1]}."),
                           (ask(random, ["Which season is the coldest?", "What is the coldest season?"]), "Winter is the coldest season."), (ask(random, ["Which season is the warmest?", "What is the hottest season?"]), "Summer is the warmest season."), (ask(random, ["In which season do the leaves fall?", "When do trees lose their leaves?"]), "The leaves fall in autumn.")])]


def years(random):
    year = random.choice([random.randint(1990, 2040), random.randint(1800, 2100), 1900, 2000])
    draw = random.randrange(6)
    if draw < 2:
        why = "it can be divided by 4" if leap(year) and year % 100 else "it can be divided by 400" if leap(year) else "it can be divided by 100 but not by 400" if year % 4 == 0 else "it cannot be divided by 4"
        return [(ask(random, ["Is {y} a leap year?", "Was {y} a leap year?" if year < 2026 else "Is {y} a leap year?", "is the year {y} a leap year", "{y}: leap year or not?", "Does {y} have 366 days?", "Has February of {y} 29 days?", "leap year {y}?", "Tell me whether {y} is a leap year."], y=year), f"{'Yes' if leap(year) else 'No'}, {year} is {'a' if leap(year) else 'not a'} leap year, because {why}.")]
    if draw == 2:
        return [(ask(random, ["How many days does a leap year have?", "How many days are in a leap year?"]), "A leap year has 366 days.")] if random.random() < 0.5 else [(ask(random, ["How many days are in a year?", "How many days does a year have?"]), "A year has 365 days, and a leap year 366.")]
    a, n = random.randint(1920, 2010), random.randint(2, 60)
    if draw == 3:
        return [(ask(random, ["How many years is it from {a} to {b}?", "How many years are between {a} and {b}?", "How long is it from {a} to {b}?"], a=a, b=a + n), f"{a + n} - {a} = {n}, so it is {n} years.")]
    if draw == 4:
        return [(ask(random, ["Someone was born in {a}. How old is that person in {b}?", "I was born in {a}. How old was I in {b}?", "If a man was born in {a}, how old was he in {b}?"], a=a, b=a + n), f"{a + n} - {a} = {n}, so {n} years old, after the birthday.")]
    c = (year - 1) // 100 + 1
    return [(ask(random, ["In which century is the year {y}?", "What century is {y} in?"], y=year), f"{year} is in the {ordinal(c)} century.")]


def show(t):
    return f"{t // 60 % 24}:{t % 60:02d}"


def clock(random):
    draw = random.randrange(8)
    t = random.randint(6, 20) * 60 + random.choice([0, 10, 15, 20, 30, 40, 45, 50, 5, 25])
    n = random.choice([10, 15, 20, 25, 30, 40, 45, 50, 60, 90, 75, 120])
    if draw < 2:
        return [(ask(random, ["It is {t}. What time is it in {n} minutes?", "What time is {n} minutes after {t}?", "A film starts at {t} and lasts {n} minutes. When does it end?", "I leave at {t} and need {n} minutes. When do I arrive?", "The lesson begins at {t} and takes {n} minutes. When is it over?", "{t} plus {n} minutes?", "What will the clock show {n} minutes after {t}?", "The cake goes in at {t} for {n} minutes. When is it done?", "The bus leaves at {t} and takes {n} minutes. When does it get there?", "Add {n} minutes to {t}.", "{n} minutes later than {t} is what time?", "now it's {t}, what time in {n} minutes", "A nap of {n} minutes from {t}. When do I wake up?"], t=show(t), n=n), pick(random, ["{n} minutes after {t} it is {e}.", "At {e}.", "It is {e}."][:1] * 2 + ["{n} minutes after {t} is {e}."], n=n, t=show(t), e=show(t + n)))]
    if draw == 2:
        return [(ask(random, ["What time was it {n} minutes before {t}?", "I must be there at {t} and need {n} minutes. When should I leave?", "It is {t}. What time was it {n} minutes ago?", "Take {n} minutes off {t}.", "{t} minus {n} minutes?", "The train at {t} is {n} minutes away by foot. When must I go?", "What time is {n} minutes before {t}?", "It ended at {t} and lasted {n} minutes. When did it start?"], t=show(t), n=n), f"{n} minutes before {show(t)} it is {show(t - n)}.")]
    if draw == 3:
        h = random.randint(1, 8)
        return [(ask(random, ["How long is it from {a} to {b}?", "How much time is between {a} and {b}?", "I slept from {a} to {b}. How long was that?|", "A meeting goes from {a} to {b}. How long is it?"][:2] + ["A meeting goes from {a} to {b}. How long is it?", "I worked from {a} to {b}. How many hours is that?", "From {a} until {b}, how many hours?", "The shop is open from {a} to {b}. How many hours is that?", "A trip starts at {a} and ends at {b}. How long does it take?", "{a} to {b}: how long?"], a=show(t // 60 * 60 % 1440 if t // 60 + h < 24 else 480), b=show((t // 60 if t // 60 + h < 24 else 8) * 60 + h * 60)), f"It is {h} hour{'s' if h > 1 else ''}.")]
    if draw == 4:
        h = random.randint(13, 23)
        return [(ask(random, ["What is {h}:00 on the 12-hour clock?", "What time is {h}:00 in pm?", "{h}:00 is what pm?", "How do you say {h}:00 with am or pm?"], h=h), f"{h}:00 is {h - 12} pm.")] if random.random() < 0.5 else [(ask(random, ["What is {h} pm on the 24-hour clock?", "{h} pm in 24-hour time?"], h=h - 12), f"{h - 12} pm is {h}:00.")]
    if draw == 5:
        h = random.randint(1, 11)
        part, m = random.choice([("half past", 30), ("quarter past", 15), ("quarter to", -15), ("ten past", 10), ("ten to", -10), ("twenty past", 20), ("twenty to", -20), ("five past", 5), ("five to", -5)])
        e = (h if m > 0 else (h - 1 or 12), m % 60)
        return [(ask(random, ["What is {p} {h} in numbers?", "How do you write {p} {h} on a digital clock?", "{p} {h} is what time?"], p=part, h=words(h)), f"{capital(part)} {words(h)} is {e[0]}:{e[1]:02d}.")]
    if draw == 6:
        big, small, k = random.choice([("hour", "minutes", 60), ("minute", "seconds", 60), ("day", "hours", 24), ("week", "days", 7), ("year", "months", 12), ("year", "weeks", 52), ("decade", "years", 10), ("century", "years", 100), ("millennium", "years", 1000), ("quarter of an hour", "minutes", 15), ("half hour", "minutes", 30)])
        n = random.choice([1, 1, 1, 2, 3, 4, 5, 10]) if big not in ("quarter of an hour", "half hour") else 1
        plural = {"century": "centuries", "millennium": "millennia"}.get(big, big + "s")
        art = "an" if big == "hour" else "a"
        if n == 1:
            return [(ask(random, ["How many {s} are in {r} {b}?", "How many {s} does {r} {b} have?", "{s} in {r} {b}?", "How many {s} make {r} {b}?"], s=small, r=art, b=big), pick(random, ["There are {k} {s} in {r} {b}.", "{k}.", "{R} {b} has {k} {s}."] if small != "weeks" else ["A year has about {k} weeks."], k=k, s=small, r=art, R=capital(art), b=big))]
        if small == "weeks":
            small, k = "months", 12
        return [(ask(random, ["How many {s} are {n} {b}?", "How many {s} are in {n} {b}?", "{n} {b} in {s}?", "Convert {n} {b} to {s}.", "{n} {b} are how many {s}?", "Change {n} {b} into {s}.", "Turn {n} {b} into {s}.", "How many {s} do {n} {b} have?", "{n} {b} = ? {s}"], s=small, n=n, b=plural), f"{n} × {k} = {n * k}, so {n} {plural} are {n * k} {small}.")]
    n = random.choice([60, 90, 120, 150, 180, 200, 240, 300, 75, 100])
    h, m = divmod(n, 60)
    return [(ask(random, ["How many hours are {n} minutes?", "{n} minutes in hours?", "Convert {n} minutes to hours.", "{n} minutes is how many hours and minutes?"], n=n), f"{n} minutes are {h} hour{'s' if h > 1 else ''}" + (f" and {m} minutes." if m else "."))]


UNITS = [("metre", "metres", "centimetres", 100), ("kilometre", "kilometres", "metres", 1000), ("centimetre", "centimetres", "millimetres", 10), ("kilogram", "kilograms", "grams", 1000), ("tonne", "tonnes", "kilograms", 1000), ("litre", "litres", "millilitres", 1000), ("foot", "feet", "inches", 12), ("yard", "yards", "feet", 3),
         ("gram", "grams", "milligrams", 1000), ("pound", "pounds", "ounces", 16), ("euro", "euros", "cents", 100), ("dozen", "dozen", "pieces", 12), ("gigabyte", "gigabytes", "megabytes", 1000), ("metre", "metres", "millimetres", 1000), ("hectare", "hectares", "square metres", 10000)]
SHORT = {"metres": "m", "centimetres": "cm", "kilometres": "km", "kilograms": "kg", "grams": "g", "litres": "l", "millilitres": "ml", "millimetres": "mm"}


def units(random):
    draw = random.randrange(8)
    one, many, small, k = random.choice(UNITS)
    n = random.choice([1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 20])
    if draw < 3:
        if n == 1:
            return [(ask(random, ["How many {s} are in a {o}?", "How many {s} does a {o} have?", "How many {s} make a {o}?", "{s} in one {o}?"], s=small, o=one), pick(random, ["There are {k} {s} in a {o}.", "{k}.", "A {o} has {k} {s}."], k=k, s=small, o=one))]
        x, y = (SHORT.get(many, many), SHORT.get(small, small)) if random.random() < 0.4 else (many, small)
        return [(ask(random, ["How many {y} are {n} {x}?", "Convert {n} {x} to {y}.", "{n} {x} in {y}?", "What is {n} {x} in {y}?", "How many {y} are in {n} {x}?", "{n} {x} = ? {y}", "Change {n} {x} into {y}.", "{n} {x} is how many {y}?", "Turn {n} {x} into {y}.", "{n} {x} to {y}", "Express {n} {x} in {y}.", "I have {n} {x}. How much is that in {y}?"], x=x, y=y, n=n), pick(random, ["{n} {x} are {v} {y}.", "{n} × {k} = {v}, so {n} {x} are {v} {y}.", "{v} {y}."], n=n, x=x, y=y, v=n * k, k=k))]
    if draw == 3:
        x, y = (SHORT.get(many, many), SHORT.get(small, small)) if random.random() < 0.4 else (many, small)
        return [(ask(random, ["How many {x} are {v} {y}?", "Convert {v} {y} to {x}.", "{v} {y} in {x}?", "What is {v} {y} in {x}?", "{v} {y} = ? {x}", "Change {v} {y} into {x}.", "{v} {y} is how many {x}?", "{v} {y} to {x}", "Express {v} {y} in {x}."], x=x, y=y, v=n * k), f"{n * k} {y} {'is' if n == 1 else 'are'} {n} {one if n == 1 and x == many else x}.")]
    if draw == 4:
        c = random.choice([0, 5, 10, 15, 20, 25, 30, 35, 40, 100, -10, -5])
        return [(ask(random, ["What is {c} degrees Celsius in Fahrenheit?", "Convert {c} °C to °F.", "{c} celsius in fahrenheit?"], c=c), f"{c} °C is {c * 9 // 5 + 32} °F.")]
    if draw == 5:
        a, b = random.sample([(1, "metre", 100), (1, "kilometre", 100000), (50, "centimetres", 50), (200, "centimetres", 200), (1, "centimetre", 1), (10, "metres", 1000), (20, "millimetres", 2)], 2) if random.random() < 0.5 else random.sample([(1, "kilogram", 1000), (500, "grams", 500), (2, "kilograms", 2000), (1, "tonne", 1000000), (1, "gram", 1), (50, "grams", 50)], 2)
        long = "metre" in a[1]
        w = "longer" if long else "heavier"
        m = max(a, b, key=lambda x: x[2])
        return [(ask(random, ["Which is {w}, {a} or {b}?", "What is {w}: {a} or {b}?", "Is {a} or {b} {w}?"], w=w, a=f"{a[0]} {a[1]}", b=f"{b[0]} {b[1]}"), f"{m[0]} {m[1]} is {w}.")]
    if draw == 6:
        return [random.choice([(ask(random, ["At what temperature does water boil?", "When does water boil?", "What is the boiling point of water?", "How hot is boiling water?"]), "Water boils at 100 degrees Celsius."), (ask(random, ["At what temperature does water freeze?", "When does water freeze?", "What is the freezing point of water?"]), "Water freezes at 0 degrees Celsius."),
                               (ask(random, ["What is a normal body temperature?", "How warm is the human body?", "What is the body temperature of a healthy person?"]), "A healthy person has a temperature of about 37 degrees Celsius."), (ask(random, ["How many kilometres are in a mile?", "How long is a mile in kilometres?"]), "A mile is about 1.6 kilometres."),
                               (ask(random, ["How many grams are in half a kilo?", "What is half a kilogram in grams?"]), "Half a kilogram is 500 grams."), (ask(random, ["How many centimetres are in an inch?", "How long is an inch?"]), "An inch is 2.54 centimetres."), (ask(random, ["How many pounds is a kilogram?", "What is a kilo in pounds?"]), "A kilogram is about 2.2 pounds."),
                               (ask(random, ["How long is half a metre?", "How many centimetres are half a metre?"]), "Half a metre is 50 centimetres.")])]
    what, unit = random.choice([("your weight", "kilograms"), ("the length of a road", "kilometres"), ("the length of a pencil", "centimetres"), ("temperature", "degrees"), ("the amount of milk in a bottle", "litres"), ("the weight of a letter", "grams"), ("electric current", "amperes"), ("electric power", "watts"), ("sound level", "decibels"), ("force", "newtons"), ("energy", "joules"), ("the volume of water in a pool", "cubic metres"), ("your height", "centimetres or metres")])
    return [(ask(random, ["In which unit do we measure {w}?", "What unit is used for {w}?", "How is {w} measured?"], w=what), pick(random, ["{W} is measured in {u}.", "In {u}."], W=capital(what), u=unit))]


def dates(random):
    return random.choice([weekdays, weekdays, months, months, years, clock, clock, units, units])(random)
